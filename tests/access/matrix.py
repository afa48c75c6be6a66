"""The matrix: who may do what, and who sees what, of a clinic.

It is written by hand, apart from the code that enforces it. Every operation and every field of a
thing has a row; one without is a failure, so a new one begins denied. Whoever adds an operation
adds its row here. How cells are tried is the business of the tests beside.

    +   allowed, whatever the thing of the clinic
    o   allowed for what is one's own, or assigned to one; the rest is as if it did not exist
    U   UNAUTHENTICATED
    F   FORBIDDEN
    N   NOT_FOUND, byte for byte that of an id that names nothing
    -   null, or an empty list, again as for an id that names nothing

The first five columns are people of the clinic, the public being somebody without a token. After
the bar they are people of another organization, who try what belongs to the clinic. There `o` is
an act that names nothing: it is allowed, and stays in their own organization.
"""

from models import Role

COLUMNS: tuple[Role | None, ...] = (
    None,
    Role.PATIENT,
    Role.DOCTOR,
    Role.RECEPTIONIST,
    Role.ADMIN,
)
Row = dict[tuple[bool, Role | None], str]


def table(text: str) -> dict[str, Row]:
    """Rows by name; a cell is found by whether somebody is of the clinic, and their role."""
    rows: dict[str, Row] = {}
    for line in text.strip().splitlines():
        name, *cells = line.replace("|", " ").split()
        if len(cells) != 2 * len(COLUMNS) or name in rows:
            raise ValueError(line)
        people = [(home, role) for home in (True, False) for role in COLUMNS]
        rows[name] = dict(zip(people, cells, strict=True))
    return rows


OPERATIONS = table("""
Query.node                          +  +  +  +  +  |  +  +  +  +  +
Query.nodes                         +  +  +  +  +  |  +  +  +  +  +
Query.viewer                        -  o  o  o  o  |  -  o  o  o  o
Query.organization                  +  +  +  +  +  |  o  o  o  o  o
Query.departments                   +  +  +  +  +  |  o  o  o  o  o
Query.offices                       +  +  +  +  +  |  o  o  o  o  o
Query.visitTypes                    +  +  +  +  +  |  o  o  o  o  o
Query.rooms                         +  +  +  +  +  |  o  o  o  o  o
Query.doctors                       +  +  +  +  +  |  o  o  o  o  o
Query.patients                      U  o  o  +  +  |  U  o  o  o  o
Query.openings                      +  +  +  +  +  |  o  o  o  o  o
Query.whyNotBookable                +  +  +  +  +  |  N  N  N  N  N
Query.calendar                      +  +  +  +  +  |  -  -  -  -  -
Query.appointments                  U  o  o  +  +  |  U  o  o  o  o
Query.appointmentByReference        U  o  o  +  +  |  U  -  -  -  -
Query.availabilityPreview           U  F  o  +  +  |  U  F  N  N  N
Query.statistics                    U  F  o  +  +  |  U  F  o  o  o
Query.users                         U  F  F  F  +  |  U  F  F  F  o
Query.signIns                       U  o  o  o  o  |  U  o  o  o  o
Query.notifications                 U  F  F  F  +  |  U  F  F  F  o
Query.auditEvents                   U  F  F  F  +  |  U  F  F  F  o
Query.events                        +  +  +  +  +  |  o  o  o  o  o
Query.event                         +  +  +  +  +  |  -  -  -  -  -
Query.waitlist                      U  o  o  +  +  |  U  o  o  o  o
Query.guestBooking                  +  +  +  +  +  |  -  -  -  -  -
Mutation.signUp                     +  +  +  +  +  |  o  o  o  o  o
Mutation.signIn                     +  +  +  +  +  |  o  o  o  o  o
Mutation.refreshSession             +  +  +  +  +  |  o  o  o  o  o
Mutation.acceptInvitation           +  +  +  +  +  |  o  o  o  o  o
Mutation.confirmEmail               +  +  +  +  +  |  o  o  o  o  o
Mutation.requestPasswordReset       +  +  +  +  +  |  o  o  o  o  o
Mutation.resetPassword              +  +  +  +  +  |  o  o  o  o  o
Mutation.signOut                    U  o  o  o  o  |  U  o  o  o  o
Mutation.endSignIn                  U  o  o  o  o  |  U  N  N  N  N
Mutation.changePassword             U  o  o  o  o  |  U  o  o  o  o
Mutation.requestEmailChange         U  o  o  o  o  |  U  o  o  o  o
Mutation.confirmEmailChange         U  o  o  o  o  |  U  o  o  o  o
Mutation.updateProfile              U  o  o  o  o  |  U  o  o  o  o
Mutation.inviteUser                 U  F  F  F  +  |  U  F  F  F  o
Mutation.resendInvitation           U  F  F  F  +  |  U  F  F  F  N
Mutation.updateUser                 U  F  F  F  +  |  U  F  F  F  N
Mutation.retryNotification          U  F  F  F  +  |  U  F  F  F  N
Mutation.updateOrganization         U  F  F  F  +  |  U  F  F  F  o
Mutation.createDepartment           U  F  F  F  +  |  U  F  F  F  o
Mutation.updateDepartment           U  F  F  F  +  |  U  F  F  F  N
Mutation.deleteDepartment           U  F  F  F  +  |  U  F  F  F  N
Mutation.createOffice               U  F  F  F  +  |  U  F  F  F  o
Mutation.updateOffice               U  F  F  F  +  |  U  F  F  F  N
Mutation.deleteOffice               U  F  F  F  +  |  U  F  F  F  N
Mutation.createVisitType            U  F  F  F  +  |  U  F  F  F  o
Mutation.updateVisitType            U  F  F  F  +  |  U  F  F  F  N
Mutation.deleteVisitType            U  F  F  F  +  |  U  F  F  F  N
Mutation.createRoom                 U  F  F  F  +  |  U  F  F  F  o
Mutation.updateRoom                 U  F  F  F  +  |  U  F  F  F  N
Mutation.deleteRoom                 U  F  F  F  +  |  U  F  F  F  N
Mutation.createDoctor               U  F  F  F  +  |  U  F  F  F  o
Mutation.updateDoctor               U  F  o  F  +  |  U  F  N  F  N
Mutation.deleteDoctor               U  F  F  F  +  |  U  F  F  F  N
Mutation.registerPatient            U  F  F  +  +  |  U  F  F  o  o
Mutation.updatePatient              U  o  F  +  +  |  U  N  F  N  N
Mutation.deletePatient              U  F  F  F  +  |  U  F  F  F  N
Mutation.setAvailability            U  F  o  +  +  |  U  F  N  N  N
Mutation.addAvailabilityException   U  F  o  +  +  |  U  F  N  N  N
Mutation.removeAvailabilityException U F  o  +  +  |  U  F  N  N  N
Mutation.importPublicHolidays       U  F  F  +  +  |  U  F  F  o  o
Mutation.generateSlots              U  F  o  +  +  |  U  F  N  N  N
Mutation.blockTime                  U  F  o  +  +  |  U  F  N  N  N
Mutation.unblockTime                U  F  o  +  +  |  U  F  N  N  N
Mutation.connectExternalCalendar    U  F  o  +  +  |  U  F  N  N  N
Mutation.disconnectExternalCalendar U  F  o  +  +  |  U  F  N  N  N
Mutation.refreshExternalCalendar    U  F  o  +  +  |  U  F  N  N  N
Mutation.holdSlot                   U  +  +  +  +  |  U  N  N  N  N
Mutation.releaseHold                U  +  +  +  +  |  U  N  N  N  N
Mutation.bookAppointment            U  o  o  +  +  |  U  N  N  N  N
Mutation.overbookAppointment        U  F  o  +  +  |  U  F  N  N  N
Mutation.rescheduleAppointment      U  o  o  +  +  |  U  N  N  N  N
Mutation.cancelAppointment          U  o  o  +  +  |  U  N  N  N  N
Mutation.updateAppointment          U  o  o  +  +  |  U  N  N  N  N
Mutation.bookSeries                 U  o  o  +  +  |  U  N  N  N  N
Mutation.cancelSeries               U  o  o  +  +  |  U  N  N  N  N
Mutation.checkInAppointment         U  F  o  +  +  |  U  F  N  N  N
Mutation.markNoShow                 U  F  o  +  F  |  U  F  N  N  F
Mutation.completeAppointment        U  F  o  F  F  |  U  F  N  F  F
Mutation.createEvent                U  F  +  +  +  |  U  F  o  o  o
Mutation.updateEvent                U  F  o  o  +  |  U  F  N  N  N
Mutation.publishEvent               U  F  o  o  +  |  U  F  N  N  N
Mutation.unpublishEvent             U  F  o  o  +  |  U  F  N  N  N
Mutation.deleteEvent                U  F  o  o  +  |  U  F  N  N  N
Mutation.bookEventSlot              +  +  +  +  +  |  N  N  N  N  N
Mutation.rescheduleGuestBooking     +  +  +  +  +  |  o  o  o  o  o
Mutation.cancelGuestBooking         +  +  +  +  +  |  o  o  o  o  o
Mutation.joinWaitlist               U  o  o  +  +  |  U  N  N  N  N
Mutation.leaveWaitlist              U  o  o  +  +  |  U  N  N  N  N
Mutation.acceptOffer                U  o  o  +  +  |  U  N  N  N  N
Mutation.declineOffer               U  o  o  +  +  |  U  N  N  N  N
Subscription.calendarChanges        +  +  +  +  +  |  N  N  N  N  N
Subscription.appointmentChanges     U  o  o  F  F  |  U  o  o  F  F
""")

# What `node` and `nodes` answer to the id of each type.
NODES = table("""
Organization                        +  +  +  +  +  |  -  -  -  -  -
User                                -  o  o  +  +  |  -  -  -  -  -
Department                          +  +  +  +  +  |  -  -  -  -  -
Room                                +  +  +  +  +  |  -  -  -  -  -
VisitType                           +  +  +  +  +  |  -  -  -  -  -
Office                              +  +  +  +  +  |  -  -  -  -  -
Doctor                              +  +  +  +  +  |  -  -  -  -  -
Patient                             U  o  o  +  +  |  U  -  -  -  -
Calendar                            +  +  +  +  +  |  -  -  -  -  -
Slot                                +  +  +  +  +  |  -  -  -  -  -
AvailabilityTemplate                +  +  +  +  +  |  -  -  -  -  -
AvailabilityException               +  +  +  +  +  |  -  -  -  -  -
Appointment                         U  o  o  +  +  |  U  -  -  -  -
AppointmentSeries                   U  o  o  +  +  |  U  -  -  -  -
Event                               +  +  +  +  +  |  -  -  -  -  -
WaitlistEntry                       U  o  o  +  +  |  U  -  -  -  -
SignIn                              -  o  o  o  o  |  -  -  -  -  -
Notification                        -  -  -  -  +  |  -  -  -  -  -
AuditEvent                          -  -  -  -  +  |  -  -  -  -  -
""")
