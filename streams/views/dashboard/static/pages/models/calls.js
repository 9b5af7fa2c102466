// The model service's addresses (contract 003); every answer has its content in `data`.
import { get, path, post } from "../../lib/api.js";

const data = async (asked) => (await asked).data;

export const listModels = async (signal) => (await data(get("/model-info", { signal }))).modelList;
export const describeModel = (modelName, signal) => data(get("/model-descript", { query: { modelName }, signal }));
export const variablesOf = (modelName, signal) => data(get("/model-variable", { query: { modelName }, signal }));
export const uploadModel = (form) => data(post("/model-upload", undefined, { form }));
export const deleteModel = (modelName, force = false) => data(post("/operate-model", { modelName, operation: "delete", force }));
export const testModel = (modelName, type, values) => data(post("/model-test", { modelName, type, data: values }));
export const testModelByForm = (form) => data(post("/model-test", undefined, { form }));

export const listServices = async (signal) => (await data(get("/service-list", { signal }))).serviceList;
export const describeService = (serviceName, signal) => data(post("/service-info", { serviceName }, { signal }));
export const whereServices = (signal) => data(get("/model-deploy-service", { signal }));
export const deployService = (fields) => data(post("/model-deploy-service", fields));
export const operateReplica = (podName, operationType) => data(post("/operate-pod", { podName, operationType }));
export const scaleService = (serviceName, replicas) => data(post("/service-scale", { serviceName, replicas }));
export const deleteService = (serviceName) => data(post("/service-delete", { serviceName }));
/** Ask a service: `{ task, result }`, or where it is not waited for `{ requestId }`. */
export const callService = (name, values, wait = true) => data(post(path`/api/v1/scv/pmml/${name}`, values, { query: wait ? {} : { wait: false } }));
export const answerOf = (name, requestId, signal) => data(get(path`/api/v1/scv/pmml/${name}/requests/${requestId}`, { signal }));

export const listDatasets = async (signal) => (await data(get("/dataset-info", { signal }))).datasetList;
export const addDataset = (file) => {
  const form = new FormData();
  form.append("dataSource", "local");
  form.append("fileName", file.name.replace(/[^A-Za-z0-9_.-]+/g, "_").slice(-64));
  form.append("file", file);
  return data(post("/add-dataset", undefined, { form }));
};
export const listScoringJobs = async (signal) => (await data(get("/api/v1/jobs", { signal }))).jobList;
export const describeScoringJob = (name, signal) => data(get(path`/api/v1/jobs/${name}`, { signal }));
export const generateScript = (fields) => data(post("/generate-script", fields));
export const deployScoringJob = (fields) => data(post("/model-deploy-job", fields));
export const startRun = (name) => data(post(path`/api/v1/jobs/${name}`, {}));
export const operateRun = (run, type) => data(post("/operate-run", { runName: run.name, runId: run.id, type }));

const KINDS = { running: "busy", success: "good", failed: "bad", paused: "warn", starting: "plain" };
/** How a state of a run looks. */
export const runKind = (status) => KINDS[status] ?? "plain";
/** How a state of a service or replica looks: one that runs is well. */
export const serviceKind = (status) => ({ running: "good", starting: "busy" })[status] ?? KINDS[status] ?? "plain";
/** How many of a service's replicas run: "2 of 3". */
export const replicasOf = (service) => `${service.podList.filter((pod) => pod.status === "running").length} of ${service.podList.length}`;
