// Package load is a load generator for PPPoE concentrators: it dials thousands of sessions from one
// process, holds them, ends and dials some again, sends packets through them, and reports set-ups per
// second, the percentiles of each phase, failures, and what was lost. There is no goroutine, socket, timer
// or device per session (pppoe.ClientGroup).
package load
