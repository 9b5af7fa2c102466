// The one place that names the vendored view library; pages import from here.
export {
  html,
  render,
  Component,
  createContext,
  useCallback,
  useContext,
  useEffect,
  useErrorBoundary,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
} from "../vendor/preact/standalone.module.js";
