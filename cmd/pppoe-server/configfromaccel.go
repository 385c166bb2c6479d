package main

import (
	"fmt"
	"os"

	"upppoe/internal/config/accelppp"
	"upppoe/internal/config/pppd"
)

// maxAccelFile is the maximum size of accel-ppp's file, in octets.
const maxAccelFile = 1 << 20

// configFromAccel is the subcommand config-from-accel.
func configFromAccel(args []string) int {
	path, code, ok := fileArgument(commandFlags("config-from-accel"), args, "")
	if !ok {
		return code
	}
	text, _, err := pppd.ReadFile(path, maxAccelFile)
	if err != nil {
		return fail(&pppd.Error{Message: err.Error(), Err: err})
	}
	c, notes := accelppp.Translate(text)
	var lines []string
	for _, n := range notes {
		if n.Line > 0 {
			lines = append(lines, fmt.Sprintf("%s:%d: %s", path, n.Line, n.Text))
		} else {
			lines = append(lines, n.Text)
		}
	}
	if err := writeConfig(os.Stdout, c, lines); err != nil {
		return fail(err)
	}
	return exitOK
}
