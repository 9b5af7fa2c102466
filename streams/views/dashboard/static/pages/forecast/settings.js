// What a person has chosen for a model, and the elements of a PATCH that it becomes: pure.

const WHOLE = /^\+?[1-9][0-9]*$/; // J-151

/** The settings of a model as they begin: its defaults. */
export function begin(name, parameters) {
  return {
    name,
    tune: false,
    trials: "100",
    objective: "mse",
    parameters: parameters.map((each) => ({
      ...each,
      text: String(each.val),
      search: false,
      lowText: each.low === null ? "" : String(each.low),
      highText: each.high === null ? "" : String(each.high),
      chosen: each.choice,
    })),
  };
}

/** Faults by field: `trials`, or a parameter's label; empty where there are none. */
export function faultsOf(model) {
  const faults = {};
  if (model.tune && !WHOLE.test(model.trials.trim())) faults.trials = "A whole number, 1 or more.";
  for (const each of model.parameters) {
    const searched = model.tune && each.search;
    if (each.type === "list") {
      if (searched && !each.chosen.length) faults[each.label] = "Choose at least one.";
    } else if (searched) {
      const [low, high] = [numberOf(each.lowText, each.type), numberOf(each.highText, each.type)];
      if (low === null || high === null) faults[each.label] = `Low and high are ${wordsOf(each.type)}.`;
      else if (low > high) faults[each.label] = "Low is above high.";
    } else if (numberOf(each.text, each.type) === null) faults[each.label] = `This is ${each.type === "int" ? "a whole number" : "a number"}.`;
  }
  return faults;
}

export const isWhole = (text) => WHOLE.test(text.trim());

/** The element of a PATCH for a series; it trains with `training`, else it only stores. */
export function elementOf(tsId, model, { features, training }) {
  const element = { ts_id: tsId, model_name: model.name, hyper_params: model.parameters.map((each) => parameterOf(model, each)) };
  if (features.length) element.feature_indexs = features;
  if (!training) return element;
  element.next_k_prediction = Number(training.horizon);
  element.eval_metrics = training.scores;
  element.auto_tune = model.tune ? 1 : 0;
  element.refit = 1;
  if (training.refresh) element.refresh = training.refresh;
  if (training.negative) element.allow_negative = 1;
  if (model.tune) {
    element.max_eval = Number(model.trials);
    element.auto_tune_metric = model.objective;
  }
  return element;
}

/** When it is forecast again: `again` is "" (never), "data", "hand", or "cron" with times, on this person's clock. */
export function refreshOf(again, cron) {
  if (again === "cron") return { cron: cron.trim(), time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone };
  return again ? { on: again } : null;
}

function parameterOf(model, each) {
  const named = { name: each.label, type: each.type };
  if (!model.tune || !each.search) return { ...named, val: each.type === "list" ? each.text : Number(each.text) };
  if (each.type === "list") return { ...named, choice: each.chosen };
  return { ...named, low: Number(each.lowText), high: Number(each.highText) };
}

function numberOf(text, type) {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) return null;
  return type === "int" && !Number.isInteger(value) ? null : value;
}

const wordsOf = (type) => (type === "int" ? "whole numbers" : "numbers");
