package manpagetest

import (
	"fmt"
	"io"
	"os"
)

// CaptureStdout returns a function that copies what run prints to standard output, and fails unless run
// returns exit code 0. It replaces os.Stdout meanwhile, so nothing else may use that concurrently.
func CaptureStdout(run func() int) func(io.Writer) error {
	return func(w io.Writer) error {
		r, stdout, err := os.Pipe()
		if err != nil {
			return err
		}
		copied := make(chan error)
		// Ends with the program's output.
		go func() {
			_, err := io.Copy(w, r)
			copied <- err
		}()
		before := os.Stdout
		os.Stdout = stdout
		code := run()
		os.Stdout = before
		stdout.Close()
		if err := <-copied; err != nil || code != 0 {
			return fmt.Errorf("exit code %d, %v", code, err)
		}
		return nil
	}
}
