"use strict";
// One photo at a time: `photo` shows it, `mask` holds in red what is to be taken out.
const $ = (name) => document.getElementById(name);
const photo = $("photo"), mask = $("mask"), ink = mask.getContext("2d");
let file = null;

function say(text, fault = false) {
  $("said").textContent = text;
  $("said").classList.toggle("fault", fault);
}

async function ask(path, fields, doing) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value, name);
  for (const button of document.querySelectorAll("button")) button.disabled = true;
  say(doing);
  try {
    const answer = await fetch(path, { method: "POST", body });
    if (!answer.ok) throw new Error(await answer.text());
    say("");
    return await answer.blob();
  } catch (error) {
    say(error.message, true);
    return null;
  } finally {
    for (const button of document.querySelectorAll("button")) button.disabled = false;
  }
}

async function open(chosen) {
  if (!chosen) return;
  const shown = await ask("preview", { photo: chosen }, "Reading the photo …");
  if (!shown) return;
  file = chosen;
  const bitmap = await createImageBitmap(shown);
  for (const canvas of [photo, mask]) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  photo.getContext("2d").drawImage(bitmap, 0, 0);
  $("size").max = Math.max(20, Math.round(bitmap.width / 5));
  $("size").value = Math.round(bitmap.width / 20);
  $("work").hidden = false;
  $("after").hidden = true;
  await find();
}

async function find() {
  const found = await ask("find", { photo: file }, "Looking for people …");
  if (!found) return;
  ink.clearRect(0, 0, mask.width, mask.height);
  ink.drawImage(await createImageBitmap(found), 0, 0, mask.width, mask.height);
  say("Correct the red with the brush if need be, then restore.");
}

async function restore() {
  const marked = await new Promise((done) => mask.toBlob(done, "image/png"));
  const made = await ask("restore", { photo: file, mask: marked }, "Restoring …");
  if (!made) return;
  URL.revokeObjectURL($("result").src);
  $("result").src = $("save").href = URL.createObjectURL(made);
  $("save").download = file.name.replace(/\.[^.]*$/, "") + ".restored.png";
  $("after").hidden = false;
}

let last = null;
function point(event) {
  const box = mask.getBoundingClientRect();
  const scale = mask.width / box.width;
  return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
}
function stroke(event) {
  const [x, y] = point(event);
  const taking = document.querySelector("[name=tool]:checked").value === "take";
  ink.globalCompositeOperation = taking ? "destination-out" : "source-over";
  ink.strokeStyle = "#f00";
  ink.lineWidth = Number($("size").value);
  ink.lineCap = ink.lineJoin = "round";
  ink.beginPath();
  ink.moveTo(...(last || [x, y]));
  ink.lineTo(x, y);
  ink.stroke();
  ink.globalCompositeOperation = "source-over";
  last = [x, y];
}
mask.addEventListener("pointerdown", (event) => {
  mask.setPointerCapture(event.pointerId);
  last = null;
  stroke(event);
});
mask.addEventListener("pointermove", (event) => { if (event.buttons & 1 && last) stroke(event); });
mask.addEventListener("pointerup", () => { last = null; });

$("file").addEventListener("change", () => open($("file").files[0]));
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", name === "dragover");
    if (name === "drop") open(event.dataTransfer.files[0]);
  });
}
$("find").addEventListener("click", find);
$("restore").addEventListener("click", restore);
$("clear").addEventListener("click", () => ink.clearRect(0, 0, mask.width, mask.height));
