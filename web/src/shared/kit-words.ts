// Words of the pieces that pages share: lists, dialogs, notes.

import { catalogue } from "./words";

export const kitWords = catalogue(
  {
    close: "Close",
    save: "Save",
    search: "Search",
    nothing: "Nothing here.",
    failed: "This could not be loaded. Check your connection, then try again.",
    again: "Try again",
    previous: "Previous page",
    next: "Next page",
    total: (count: number) => `${count} in all`,
    actions: "Actions",
  },
  {
    close: "Cerrar",
    save: "Guardar",
    search: "Buscar",
    nothing: "Aquí no hay nada.",
    failed: "No se ha podido cargar. Compruebe su conexión e inténtelo de nuevo.",
    again: "Intentarlo de nuevo",
    previous: "Página anterior",
    next: "Página siguiente",
    total: (count: number) => `${count} en total`,
    actions: "Acciones",
  },
);
