/** The header of `GET /changes` that says after which position the stream begins. Apart, for those who load no schema. */
export const positionHeader = "x-patchmoi-position"
