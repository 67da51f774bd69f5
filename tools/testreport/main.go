// Command testreport reads "go test -json" and says what matters of it.
//
// It prints a package's line as soon as it is done, the whole output of what
// failed, then the packages by the time they took, and last
// "N passed, N failed, N skipped". It fails if a test failed, if one was
// skipped (unless -skips), and if a package took longer than -limit.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	limit := flag.Duration("limit", 5*time.Minute, "the longest a package may take")
	skips := flag.Bool("skips", false, "let tests be skipped")
	sum := flag.String("sum", "", "add \"passed failed\" as a line to this file")
	flag.Parse()

	r := newReport(os.Stdout)
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(2)
	}
	ok := r.close(*limit, *skips)
	if *sum != "" {
		if err := r.add(*sum); err != nil {
			fmt.Fprintln(os.Stderr, "testreport:", err)
			os.Exit(2)
		}
	}
	if !ok {
		os.Exit(1)
	}
}
