import { runProgram } from "./lib/cli/program.ts";

if (import.meta.main) await runProgram();
