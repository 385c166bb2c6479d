package main

import (
	"flag"
	"os"
	"testing"

	"upppoe/internal/manual/manualtest"
)

var update = flag.Bool("update", false, "write the manual page and what is in testdata anew")

func TestManual(t *testing.T) {
	manualtest.Check(t, "pppoe-discovery.8", *update, manualtest.Printed(func() int {
		return (&program{out: os.Stdout, complaints: os.Stderr}).run(t.Context(), []string{"--man"})
	}))
}
