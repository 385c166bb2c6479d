package main

import (
	"flag"
	"testing"

	"upppoe/internal/config/manpage/manpagetest"
)

var update = flag.Bool("update", false, "write the manual page")

func TestManual(t *testing.T) {
	manpagetest.Check(t, "pppoe-server.8", *update, manpagetest.CaptureStdout(func() int { return run([]string{"--man"}) }))
}
