// AWS unpacks functions at /var/task, its runtime lies at /var/runtime, and its traces say so.

import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url)).replace(/\/$/, "");
const task = process.env.LAMBDA_TASK_ROOT;
const ownFiles = new RegExp(`${here.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}/\\w+\\.mjs`, "g");

export const asOnAws = (text) => String(text).replaceAll(ownFiles, "/var/runtime/index.mjs").replaceAll(task, "/var/task");
