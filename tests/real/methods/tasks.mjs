// Prints what the official tasks extension lets a client send, as `mcp.py` does for MCP itself. Its argument is the
// folder with its package.
const folder = process.argv[2] + "/node_modules/@modelcontextprotocol/ext-tasks/dist/core";
// What servers send has schemas there too.
const servers = ["sampling/createMessage", "elicitation/create", "roots/list", "notifications/tasks"];

for (const [version, revision] of [["v1", "2025-11-25"], ["v2", "2026-07-28"]]) {
  const schemas = await import(`${folder}/${version}/schemas.js`);
  for (const schema of Object.values(schemas)) {
    const method = schema?.shape?.method?.value;
    if (!method || servers.includes(method)) continue;
    let params = schema.shape.params;
    while (params && !params.shape && params.unwrap) params = params.unwrap();
    console.log(JSON.stringify([revision, method, Object.keys(params?.shape ?? {})]));
  }
}
