// Package servercontrol is what a server's control socket answers, in JSON: its sessions, numbers,
// events, and changes of both. It keeps no state of sessions: it reads the server's.
//
// A request is a line: its name, and its arguments as a JSON object. The response is lines of JSON: the
// rows, and at last a Result. A response without one is incomplete.
package servercontrol
