package manpagetest

import (
	"fmt"
	"io"
	"os"
)

// CaptureStdout makes a printer of a program: what it writes to standard output, if its exit
// code is 0. Until it returns, standard output is not to be used by others.
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
