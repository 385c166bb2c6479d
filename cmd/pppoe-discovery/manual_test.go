package main

import (
	"flag"
	"testing"

	"upppoe/internal/manual/manualtest"
)

var update = flag.Bool("update", false, "write the manual page anew")

func TestManual(t *testing.T) {
	manualtest.Check(t, "pppoe-discovery.8", *update, manualtest.Printed(func() int { return run([]string{"--man"}) }))
}
