"use strict";
// The scan is opened here, on the phone: its key stands behind the # of the address and is never sent.

const NONCE_BYTES = 12, KEY_BYTES = 32, MAGIC = "ZWP1";

function bytesOf(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

function keyOf(hash) {
  try {
    const key = bytesOf(hash.replace(/^#/, ""));
    return key.length === KEY_BYTES ? key : null;
  } catch {
    return null;
  }
}

// Sealed bytes: ZWP1, nonce, AES-256-GCM with the name as what is authenticated besides.
async function opened(sealed, key, name) {
  const text = new TextEncoder();
  if (MAGIC !== String.fromCharCode(...sealed.subarray(0, MAGIC.length))) throw new Error("no scan");
  const at = MAGIC.length + NONCE_BYTES;
  const secret = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  const how = { name: "AES-GCM", iv: sealed.subarray(MAGIC.length, at), additionalData: text.encode(name) };
  return new Uint8Array(await crypto.subtle.decrypt(how, secret, sealed.subarray(at)));
}

function start() {
  const name = location.pathname.split("/")[2] || "";
  const key = keyOf(location.hash);
  const show = (id) => {
    for (const part of document.querySelectorAll("section")) part.hidden = part.id !== id;
  };
  const fetchOnce = async () => {
    show("busy");
    let sealed;
    try {
      const answer = await fetch(`/p/${name}/content`, { method: "POST", cache: "no-store" });
      if (answer.status === 404) return show("gone");
      if (!answer.ok) return show("offline");
      sealed = new Uint8Array(await answer.arrayBuffer());
    } catch {
      return show("offline");
    }
    try {
      const pdf = await opened(sealed, key, name);
      document.getElementById("save").href = URL.createObjectURL(new Blob([pdf], { type: "application/pdf" }));
      history.replaceState(null, "", location.pathname);
      show("done");
    } catch {
      show("damaged");
    }
  };
  document.getElementById("fetch").addEventListener("click", fetchOnce);
  document.getElementById("again").addEventListener("click", fetchOnce);
  // Nothing is asked for that could not be opened, or not be saved: it is given only once.
  if (/MicroMessenger/i.test(navigator.userAgent)) show("wechat");
  else if (key === null || !(globalThis.crypto && crypto.subtle)) show("unreadable");
}

if (typeof document !== "undefined") start();
