// The kinds of things that are administered.

import {
  CreateDepartmentDocument, CreateDoctorDocument, CreateOfficeDocument, CreateRoomDocument, CreateVisitTypeDocument,
  DeleteDepartmentDocument, DeleteDoctorDocument, DeleteOfficeDocument, DeletePatientDocument, DeleteRoomDocument,
  DeleteVisitTypeDocument, DepartmentsListDocument, DoctorsListDocument, FailedListDocument, InviteUserDocument,
  OfficesListDocument, PatientsListDocument, RegisterPatientDocument, ResendInvitationDocument, RetryNotificationDocument,
  RoomsListDocument, UpdateDepartmentDocument, UpdateDoctorDocument, UpdateOfficeDocument, UpdatePatientDocument,
  UpdateRoomDocument, UpdateUserDocument, UpdateVisitTypeDocument, UsersListDocument, VisitTypesListDocument, type Role,
} from "../gql/graphql";
import { doing, many, number, orNull, pages, parts, text, whole, type Field, type Kind } from "./kind";

const ADMIN: Role[] = ["ADMIN"];
const NAME: Field = { name: "name", label: "nameField", type: "text", isRequired: true };
const DESCRIPTION: Field = { name: "description", label: "description", type: "long" };
const EMAIL: Field = { name: "email", label: "email", type: "email" };
const PHONE: Field = { name: "phone", label: "phone", type: "tel" };

const departments: Kind = {
  name: "departments",
  add: "addDepartment",
  columns: ["nameField", "description", "doctors"],
  roles: ADMIN,
  list: pages(DepartmentsListDocument, ({ id, name, description, doctorCount }) => ({
    id, title: name, details: [description ?? "", String(doctorCount)], values: { name, description: description ?? "" },
  })),
  fields: [NAME, DESCRIPTION],
  create: doing(CreateDepartmentDocument, (values) => ({ name: text(values, "name"), description: orNull(values, "description") })),
  update: doing(UpdateDepartmentDocument, (values, departmentId) => ({
    departmentId, name: text(values, "name"), description: orNull(values, "description"),
  })),
  archive: doing(DeleteDepartmentDocument, (_, departmentId) => ({ departmentId })),
};

const offices: Kind = {
  name: "offices",
  add: "addOffice",
  columns: ["nameField", "address", "phone", "timeZone"],
  roles: ADMIN,
  list: pages(OfficesListDocument, ({ id, name, address, phone, timeZone }) => ({
    id, title: name, details: [address ?? "", phone ?? "", timeZone], values: { name, address: address ?? "", phone: phone ?? "", timeZone },
  })),
  fields: [NAME, { name: "address", label: "address", type: "text" }, PHONE, { name: "timeZone", label: "timeZone", type: "zone" }],
  create: doing(CreateOfficeDocument, (values) => ({
    name: text(values, "name"), address: orNull(values, "address"), phone: orNull(values, "phone"), timeZone: orNull(values, "timeZone"),
  })),
  update: doing(UpdateOfficeDocument, (values, officeId) => ({
    officeId,
    name: text(values, "name"),
    address: orNull(values, "address"),
    phone: orNull(values, "phone"),
    ...(text(values, "timeZone") ? { timeZone: text(values, "timeZone") } : {}),
  })),
  archive: doing(DeleteOfficeDocument, (_, officeId) => ({ officeId })),
};

const rooms: Kind = {
  name: "rooms",
  add: "addRoom",
  columns: ["nameField", "office"],
  roles: ADMIN,
  list: whole(RoomsListDocument, ({ id, name, office }) => ({
    id, title: name, details: [office?.name ?? ""], values: { name, officeId: office?.id ?? "" },
  })),
  fields: [NAME, { name: "officeId", label: "office", type: "one", choices: "offices" }],
  create: doing(CreateRoomDocument, (values) => ({ name: text(values, "name"), officeId: orNull(values, "officeId") })),
  update: doing(UpdateRoomDocument, (values, roomId) => ({ roomId, name: text(values, "name"), officeId: orNull(values, "officeId") })),
  archive: doing(DeleteRoomDocument, (_, roomId) => ({ roomId })),
};

const doctors: Kind = {
  name: "doctors",
  add: "addDoctor",
  columns: ["nameField", "specialty", "department", "office"],
  roles: ADMIN,
  list: pages(DoctorsListDocument, (one, words) => ({
    id: one.id,
    title: [one.title, one.name].filter(Boolean).join(" "),
    details: [
      [one.specialty, !one.isAcceptingPatients && words.notAccepting].filter(Boolean).join(" · "),
      one.department?.name ?? "",
      one.office?.name ?? "",
    ],
    values: {
      name: one.name, email: one.user?.email ?? "", title: one.title ?? "", specialty: one.specialty ?? "", bio: one.bio ?? "",
      languages: one.languages.join(", "), departmentId: one.department?.id ?? "", officeId: one.office?.id ?? "",
      isAcceptingPatients: one.isAcceptingPatients,
    },
  })),
  fields: [
    NAME,
    { ...EMAIL, isRequired: true, hint: "invitationHint" },
    { name: "title", label: "title", type: "text", hint: "titleHint" },
    { name: "specialty", label: "specialty", type: "text" },
    { name: "departmentId", label: "department", type: "one", choices: "departments" },
    { name: "officeId", label: "office", type: "one", choices: "offices" },
    { name: "languages", label: "languages", type: "text", hint: "languagesHint" },
    { name: "bio", label: "bio", type: "long" },
    { name: "isAcceptingPatients", label: "accepting", type: "yes", only: "old" },
  ],
  create: doing(CreateDoctorDocument, (values) => ({ email: text(values, "email"), ...ofDoctor(values) })),
  update: doing(UpdateDoctorDocument, (values, doctorId) => ({
    doctorId, email: text(values, "email"), isAcceptingPatients: values["isAcceptingPatients"] === true, ...ofDoctor(values),
  })),
  archive: doing(DeleteDoctorDocument, (_, doctorId) => ({ doctorId })),
};

function ofDoctor(values: Parameters<typeof text>[0]) {
  return {
    name: text(values, "name"),
    title: orNull(values, "title"),
    specialty: orNull(values, "specialty"),
    bio: orNull(values, "bio"),
    languages: parts(values, "languages"),
    departmentId: orNull(values, "departmentId"),
    officeId: orNull(values, "officeId"),
  };
}

const patients: Kind = {
  name: "patients",
  add: "addPatient",
  columns: ["nameField", "email", "phone", "birthDate"],
  roles: ["ADMIN", "RECEPTIONIST"],
  list: pages(PatientsListDocument, ({ id, name, email, phone, birthDate, notes }) => ({
    id,
    title: name,
    href: `/patients/${id}`,
    details: [email ?? "", phone ?? "", birthDate ?? ""],
    values: { name, email: email ?? "", phone: phone ?? "", birthDate: birthDate ?? "", notes: notes ?? "" },
  })),
  fields: [NAME, EMAIL, PHONE, { name: "birthDate", label: "birthDate", type: "date" }, { name: "notes", label: "notes", type: "long", hint: "notesHint" }],
  create: doing(RegisterPatientDocument, ofPatient),
  update: doing(UpdatePatientDocument, (values, patientId) => ({ patientId, ...ofPatient(values) })),
  archive: doing(DeletePatientDocument, (_, patientId) => ({ patientId })),
};

function ofPatient(values: Parameters<typeof text>[0]) {
  return {
    name: text(values, "name"),
    email: orNull(values, "email"),
    phone: orNull(values, "phone"),
    birthDate: orNull(values, "birthDate"),
    notes: orNull(values, "notes"),
  };
}

const visitTypes: Kind = {
  name: "visitTypes",
  add: "addVisitType",
  columns: ["nameField", "minutes", "doctors", "rooms"],
  roles: ADMIN,
  list: whole(VisitTypesListDocument, ({ id, name, description, minutes, bufferMinutes, doctors: who, rooms: where }) => ({
    id,
    title: name,
    details: [String(minutes), String(who.length), where.map((room) => room.name).join(", ")],
    values: {
      name, description: description ?? "", minutes: String(minutes), bufferMinutes: String(bufferMinutes),
      doctorIds: who.map((one) => one.id), roomIds: where.map((one) => one.id),
    },
  })),
  fields: [
    NAME,
    DESCRIPTION,
    { name: "minutes", label: "minutes", type: "number", isRequired: true, range: [1, 1440] },
    { name: "bufferMinutes", label: "bufferMinutes", type: "number", range: [0, 240] },
    { name: "doctorIds", label: "offeredBy", type: "many", choices: "doctors", hint: "offeredByHint" },
    { name: "roomIds", label: "roomsNeeded", type: "many", choices: "rooms", hint: "roomsNeededHint" },
  ],
  create: doing(CreateVisitTypeDocument, (values) => ({
    ...ofVisitType(values),
    // Nobody chosen means everybody who is there now.
    ...(many(values, "doctorIds").length > 0 ? { doctorIds: many(values, "doctorIds") } : {}),
  })),
  update: doing(UpdateVisitTypeDocument, (values, visitTypeId) => ({
    visitTypeId, ...ofVisitType(values), doctorIds: many(values, "doctorIds"),
  })),
  archive: doing(DeleteVisitTypeDocument, (_, visitTypeId) => ({ visitTypeId })),
};

function ofVisitType(values: Parameters<typeof text>[0]) {
  return {
    name: text(values, "name"),
    description: orNull(values, "description"),
    minutes: number(values, "minutes"),
    bufferMinutes: number(values, "bufferMinutes"),
    roomIds: many(values, "roomIds"),
  };
}

const users: Kind = {
  name: "users",
  add: "inviteUser",
  columns: ["nameField", "email", "role"],
  roles: ADMIN,
  list: pages(UsersListDocument, ({ id, name, email, role, isActive }, words) => ({
    id,
    title: name,
    isFaded: !isActive,
    details: [email, isActive ? words[role] : `${words[role]} · ${words.inactive}`],
    values: { name, email, role, isActive },
  })),
  fields: [
    { ...NAME, only: "new" },
    { ...EMAIL, isRequired: true, hint: "invitationHint", only: "new" },
    { name: "role", label: "role", type: "one", isRequired: true, choices: ["ADMIN", "RECEPTIONIST", "DOCTOR", "PATIENT"], hint: "roleHint" },
    { name: "isActive", label: "active", type: "yes", only: "old" },
  ],
  create: doing(InviteUserDocument, (values) => ({
    name: text(values, "name"), email: text(values, "email"), role: text(values, "role") as Role,
  })),
  update: doing(UpdateUserDocument, (values, userId) => ({
    userId, role: text(values, "role") as Role, isActive: values["isActive"] === true,
  })),
  more: { label: "resend", done: "wasResent", run: doing(ResendInvitationDocument, (_, userId) => ({ userId })) },
};

const notifications: Kind = {
  name: "notifications",
  columns: ["recipient", "about", "problem"],
  roles: ADMIN,
  empty: "noFailures",
  list: pages(FailedListDocument, ({ id, recipient, kind, lastError }, words) => ({
    id, title: recipient, details: [words[kind], lastError ?? ""], values: {},
  })),
  fields: [],
  more: { label: "retry", done: "wasRetried", run: doing(RetryNotificationDocument, (_, notificationId) => ({ notificationId })) },
};

/** By the part of the address that names them. */
export const KINDS: Record<string, Kind> = {
  patients, doctors, departments, offices, rooms, "visit-types": visitTypes, users, notifications,
};
