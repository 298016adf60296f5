// A link that a person mailed to themselves has their code behind the # sign, which no browser sends to a server. It is
// put into the field, and out of the address and the history. Without this script the person types the code.
const field = document.getElementById("code");
const code = decodeURIComponent(location.hash.slice(1));

if (field && /^[0-9A-Z-]{20,30}$/i.test(code)) {
  field.value = code;
  history.replaceState(null, "", location.pathname);
}
