package main

import (
	"flag"
	"fmt"
	"io"
	"testing"

	"upppoe/internal/config/manpage/manpagetest"
)

var update = flag.Bool("update", false, "write the manual page and golden files")

func TestManual(t *testing.T) {
	manpagetest.Check(t, "pppoe-discovery.8", *update, func(w io.Writer) error {
		p := &program{out: w, stderr: w}
		if code := p.run(t.Context(), []string{"--man"}); code != exitFound {
			return fmt.Errorf("exit code %d", code)
		}
		return nil
	})
}
