package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

// shells start each shell with the package's script for completion, and without other settings.
var shells = map[string]string{
	"bash": `exec bash --norc --noprofile -i`,
	"zsh":  `exec zsh -f -i`,
	"fish": `exec fish --no-config -i`,
}

// loads are what is typed to load the script: $1 is its directory.
var loads = map[string]string{
	"bash": "PS1='ready> '; for f in %/bash-completion/completions/*; do . $f; done\r",
	"zsh":  "PS1='ready> '; autoload -U compinit; compinit -u -D; for f in %/zsh/vendor-completions/*; do . $f; done\r",
	"fish": "function fish_prompt; echo 'ready> '; end; for f in %/fish/vendor_completions.d/*; source $f; end\r",
}

// TestCompletion: in real shells, a tab completes commands, flags, values and names of files.
func TestCompletion(t *testing.T) {
	for shell := range shells {
		t.Run(shell, func(t *testing.T) {
			roottest.NeedPrograms(t, shell)
			dir := t.TempDir()
			check(t, os.WriteFile(filepath.Join(dir, "unusual-name.toml"), nil, 0o600))
			for line, want := range map[string]string{
				"pppoe-server undr":                    `pppoe-server undrain`,
				"pppoe-server --dupl":                  `pppoe-server --duplicate-session`,
				"pppoe-server --duplicate-session rep": `--duplicate-session replace`,
				"pppoe-server --duplicate-session=rep": `--duplicate-session=replace`,
				"pppoe-server --config unus":           `--config unusual-name\.toml`,
				"pppoe-server sessions --circ":         `sessions --circuit-id`,
				"pppoe-client eth0 usepeerd":           `eth0 usepeerdns`,
				"pppoe-client eth0 datapath off":       `datapath offload`,
				"pppoe-discovery --ala":                `pppoe-discovery --alarm`,
			} {
				complete(t, shell, dir, line, want)
			}
		})
	}
}

// complete types a line and a tab, and waits for what the shell makes of it.
func complete(t *testing.T, shell, dir, line, want string) {
	t.Helper()
	terminal, err := lab.OpenTerminal(200, 30)
	check(t, err)
	defer terminal.Close()
	cmd := exec.Command("sh", "-c", shells[shell])
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + bin + ":/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", "HOME=" + dir, "LANG=C.UTF-8"}
	terminal.Attach(cmd)
	check(t, cmd.Start())
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	check(t, terminal.Await(`[$%#>]`)) // its own prompt
	check(t, terminal.Type(strings.ReplaceAll(loads[shell], "%", filepath.Join(bin, "../share"))))
	check(t, terminal.Await(`(?m)^ready>`))
	check(t, terminal.Type(line+"\t"))
	if err := terminal.Await(`ready> .*` + want + `|(?s)ready>.*\n` + line[:5] + `.*` + want); err != nil {
		t.Errorf("%s: %q: %v", shell, line, err)
	}
}
