// What a file is, as far as parlor tells files apart. The bytes decide it, not the name.

/**
 * `picture`: a raster image of any format. `audio`: a recording that llama-server decodes. `unknown`: nothing that parlor reads as text or shows as a picture.
 */
export type FileType =
  | "pdf"
  | "docx"
  | "pptx"
  | "xlsx"
  | "odt"
  | "odp"
  | "ods"
  | "epub"
  | "html"
  | "csv"
  | "markdown"
  | "text"
  | "code"
  | "picture"
  | "audio"
  | "unknown";
