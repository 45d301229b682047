// The page, once its script has loaded: everything that works without it continues to work.
import { start as startCorrections } from "./correction.js";
import { start as startMany } from "./many.js";
import { start as startOne } from "./one.js";
import { start as startTabs } from "./tabs.js";

const { show } = startTabs(document.querySelector("[role=tablist]"));
startOne(document.getElementById("one"));
startMany(document.getElementById("many"), { show: () => show("many") });
startCorrections(document);
document.querySelector(".unscripted").remove();
