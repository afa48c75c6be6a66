WITH calendar AS (
    UPDATE calendars SET revision = calendars.revision + 1, updated_at = now()
    FROM slots
    WHERE slots.organization_id = $5 AND slots.id = $1
      AND calendars.organization_id = $5 AND calendars.id = slots.calendar_id
    RETURNING calendars.organization_id, calendars.id, calendars.revision),
slot AS (
    UPDATE slots SET status = 'BOOKED', booked_count = 1, revision = calendar.revision
    FROM calendar
    WHERE slots.organization_id = $5 AND slots.id = $1 AND slots.calendar_id = calendar.id
      AND status = 'AVAILABLE'
    RETURNING slots.organization_id, slots.id, slots.calendar_id, starts_at, ends_at),
appointment AS (
    INSERT INTO appointments (organization_id, id, reference, calendar_id, slot_id, doctor_id,
        patient_id, booked_by_id, starts_at, ends_at, status, can_cancel_until)
    SELECT slot.organization_id, gen_random_uuid(), $3, slot.calendar_id, slot.id, doctors.id,
        $2, $4, starts_at, ends_at, 'BOOKED', starts_at
    FROM slot JOIN doctors USING (organization_id, calendar_id)
    RETURNING *),
event AS (
    INSERT INTO appointment_events (organization_id, id, appointment_id, version, at, by_id,
        status)
    SELECT organization_id, gen_random_uuid(), id, version, now(), booked_by_id, status
    FROM appointment),
claim AS (
    INSERT INTO claims (organization_id, id, calendar_id, appointment_id, kind, lane, during)
    SELECT organization_id, gen_random_uuid(), calendar_id, id, 'APPOINTMENT', 0,
        tstzrange(starts_at, ends_at, '[)')
    FROM appointment)
SELECT id, starts_at FROM appointment
