package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"upppoe/internal/mgmt/servercontrol"
)

// upgradeServer is the subcommand upgrade.
func upgradeServer(args []string) int {
	var u servercontrol.Upgrade
	var asJSON bool
	var socket string
	set := commandFlags("upgrade")
	set.StringVar(&u.Executable, "exec", "", "the new program, a `FILE` (default: the one by whose name the server was started)")
	set.BoolVar(&asJSON, "json", false, "print an object for each step, and one of the result")
	addSocketFlag(set, &socket)
	if code, ok := parseCommand(set, args); !ok {
		return code
	}
	if err := noArguments(set.Args()); err != nil {
		return fail(err)
	}
	return commandExit(requestUpgrade(u, socket, asJSON))
}

// upgradeTimeout is more than all steps of an upgrade together may take.
const upgradeTimeout = 3 * time.Minute

func requestUpgrade(u servercontrol.Upgrade, socket string, asJSON bool) (err error) {
	if u.Executable != "" {
		if u.Executable, err = filepath.Abs(u.Executable); err != nil {
			return err
		}
	}
	if socket, err = findSocket(socket); err != nil {
		return err
	}
	_, err = askWithin(upgradeTimeout, socket, "upgrade", u, func(line []byte) error {
		if asJSON {
			_, err := os.Stdout.Write(append(line, '\n'))
			return err
		}
		var step servercontrol.UpgradeStep
		if err := json.Unmarshal(line, &step); err != nil {
			return err
		}
		_, err := fmt.Println(upgradeText(step))
		return err
	})
	return err
}

// upgradeText is a step for people.
func upgradeText(s servercontrol.UpgradeStep) string {
	if s.PID == 0 {
		return s.Step
	}
	text := fmt.Sprintf("upgraded: process %d has taken over %d sessions in %.0f ms", s.PID, s.Sessions, s.PauseMS)
	if s.Lost > 0 {
		text += fmt.Sprintf("; %d were ended", s.Lost)
	}
	return text
}
