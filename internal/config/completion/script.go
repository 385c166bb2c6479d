package completion

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed script
var scripts embed.FS

// Shells are the shells that there are scripts for.
var Shells = []string{"bash", "zsh", "fish"}

// Script returns the script by which a shell completes the arguments of a program.
func Script(shell, program string) (string, error) {
	text, err := scripts.ReadFile("script/" + shell)
	if err != nil {
		return "", fmt.Errorf("completion for %q: there is one for %s", shell, strings.Join(Shells, ", "))
	}
	function := "_" + strings.ReplaceAll(program, "-", "_")
	return strings.NewReplacer("@PROGRAM@", program, "@FUNCTION@", function).Replace(string(text)), nil
}
