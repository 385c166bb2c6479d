package main

import (
	"os"
	"runtime/debug"
)

// gcPercent is how much memory may be allocated before it is collected, in percent of what is in
// use. A server of tens of thousands of sessions holds most of its memory for hours, so that the
// default of 100 would double it, and a collection is due only while sessions come and go.
const gcPercent = 40

// limitGarbage applies gcPercent, unless the environment has GOGC.
func limitGarbage() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
