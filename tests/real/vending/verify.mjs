// Verifies a token on stdin by the keys at an address, with jose. Usage: verify.mjs FOLDER JWKS ISSUER; FOLDER has node_modules.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, address, issuer] = process.argv.slice(2);
const { createRemoteJWKSet, jwtVerify } = await import(pathToFileURL(createRequire(`${folder}/`).resolve("jose")));
const { payload } = await jwtVerify(readFileSync(0, "utf8").trim(), createRemoteJWKSet(new URL(address)), {
  issuer,
  audience: issuer,
  typ: "at+jwt",
  algorithms: ["ES256", "EdDSA"],
  requiredClaims: ["exp", "iat", "sub", "jti", "client_id"],
});
console.log(payload.sub);
