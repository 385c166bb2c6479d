package explain

import (
	"bufio"
	"fmt"
)

// textWriter writes lines. The first error is kept by its Writer, and is Flush's.
type textWriter struct {
	*bufio.Writer
	o     TextOptions
	names [2]string // of both ends of the session
}

func (t *textWriter) line(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

// span is the time of a capture.
func (t *textWriter) span(r *Report) string {
	if r.First == nil || r.Last == nil {
		return ""
	}
	return fmt.Sprintf(", %s, %s long", r.First.UTC().Format("2006-01-02 15:04:05 UTC"), duration(r.Last.Sub(*r.First)))
}
