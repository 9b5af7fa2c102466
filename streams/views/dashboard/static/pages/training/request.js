// What the form for training jobs sends, and which of its fields a refusal is about. No component is here.

const whole = (label, intro, val = null) => ({ label, intro, type: "int", val, low: null, high: null, choice: [] });
const text = (label, intro, val = null) => ({ label, intro, type: "text", val, low: null, high: null, choice: [] });

/** What every algorithm can be told of a CSV file: fields of forecasting jobs. */
export const FORECASTING = [
  whole("next_k_prediction", "How many steps are forecast.", 5),
  text("timestamp_indexs", "The column of the times, by its number from 0; found by itself where it is left out."),
  text("target_indexs", "The column of the values; likewise."),
  text("groupby_indexs", "The columns that tell the series apart, parted by commas; likewise."),
];
/** What DeepAR must be told of JSON Lines. */
export const DATA = {
  jsonl: [
    text("time_freq", "The step of the series as an alias of pandas: D, H, W, M, 15min. Needed."),
    whole("prediction_length", "How many steps are forecast. Needed."),
  ],
};

/** The form at first: empty, or as an earlier version was told. */
export function draftOf(before, models) {
  const values = Object.fromEntries((before?.parameter ?? []).map(({ label, value }) => [label, Array.isArray(value) ? value.join(",") : String(value)]));
  const first = models.find((each) => each.model_name === "DeepAR") ?? models[0];
  const source = before?.data_source?.[0];
  return {
    name: "",
    about: before?.job_desc ?? "",
    model: before ? String(before.model_id ?? "script") : String(first?.model_id ?? "script"),
    app: before?.app_url ?? "",
    boot: before?.boot_file_url ?? "",
    data: before ? "path" : "known",
    dataUrl: before?.data_url || source?.data_url || "",
    file: null,
    values,
    further: "",
    train: before?.train_url ?? "",
    workers: String(before?.worker_server_num ?? 1),
  };
}

/** The config that is sent. Of an earlier version, what the form does not show stays as it was. */
export function configOf(draft, labels, before) {
  const given = new Map();
  for (const [label, value] of Object.entries(draft.values)) {
    if (String(value).trim() && (labels.includes(label) || before)) given.set(label, String(value).trim());
  }
  for (const line of draft.further.split("\n")) {
    const at = line.indexOf("=");
    if (at > 0) given.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
  }
  const config = {
    worker_server_num: /^\d+$/.test(draft.workers.trim()) ? Number(draft.workers) : draft.workers,
    spec_id: before?.spec_id ?? 1,
    parameter: [...given].map(([label, value]) => ({ label, value })),
  };
  if (draft.model === "script") Object.assign(config, { app_url: draft.app.trim(), boot_file_url: draft.boot.trim() });
  else config.model_id = Number(draft.model);
  if (draft.dataUrl.trim()) config.data_url = draft.dataUrl.trim();
  else if (before?.dataset_id) Object.assign(config, { dataset_id: before.dataset_id, dataset_version_id: before.dataset_version_id });
  if (draft.train.trim()) config.train_url = draft.train.trim();
  if (before) config.pre_version_id = before.version_id;
  return config;
}

const PLACES = ["job_name", "job_desc", "model_id", "app_url", "boot_file_url", "parameter", "train_url", "worker_server_num"];
const DATA_WORDS = ["data_url", "dataset_id", "data_source", "upload"];

/** The sentence of a refusal at the field that it begins with; `placed` where there is one. */
export function wordsFor(error) {
  if (!error) return {};
  const begin = error.message.replace(/^config,\s*/, "");
  if (/^job name/i.test(begin)) return { job_name: error.message, placed: true };
  const name = PLACES.find((each) => begin.startsWith(each));
  if (name) return { [name]: error.message, placed: true };
  if (DATA_WORDS.some((each) => begin.startsWith(each)) || /^config: .*data/.test(error.message)) return { data: error.message, placed: true };
  return {};
}
