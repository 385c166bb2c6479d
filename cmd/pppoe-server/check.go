package main

import (
	"fmt"
	"os"

	"upppoe/internal/config/serverconfig"
)

// checkFile is the subcommand check.
func checkFile(args []string) int {
	asJSON := false
	set := commandFlags("check")
	set.BoolVar(&asJSON, "json", false, "print an array of objects")
	path, code, ok := fileArgument(set, args, serverconfig.DefaultPath)
	if !ok {
		return code
	}
	_, problems := serverconfig.ReadAndCheck(path)
	if asJSON {
		if err := problems.WriteJSON(os.Stdout); err != nil {
			return fail(err)
		}
	} else {
		printProblems(path, problems)
	}
	if problems.Err() != nil {
		return exitOptions
	}
	return exitOK
}

func printProblems(path string, problems serverconfig.Problems) {
	for _, p := range problems {
		fmt.Println(p)
	}
	switch errors := len(problems) - len(problems.Warnings()); {
	case errors == 0:
		fmt.Printf("%s is valid\n", path)
	case errors == 1:
		fmt.Printf("%s has 1 error\n", path)
	default:
		fmt.Printf("%s has %d errors\n", path, errors)
	}
}
