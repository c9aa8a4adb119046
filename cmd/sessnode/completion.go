package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"
)

func (p *program) completionCommand(root *ffcli.Command) *ffcli.Command {
	return &ffcli.Command{
		Name:       "completion",
		ShortUsage: "sessnode completion bash | zsh | fish",
		ShortHelp:  "what makes a shell complete commands and flags",
		LongHelp: `EXAMPLE
  source <(sessnode completion bash)                                        # in ~/.bashrc
  source <(sessnode completion zsh)                                         # in ~/.zshrc, behind compinit
  sessnode completion fish > ~/.config/fish/completions/sessnode.fish       # once`,
		FlagSet: newFlags("completion"),
		Exec: func(_ context.Context, args []string) error {
			shells := map[string]func(io.Writer, []completed) error{"bash": completeBash, "zsh": completeZsh, "fish": completeFish}
			if len(args) != 1 || shells[args[0]] == nil {
				return usageError{fmt.Errorf("%q: name one shell: bash, zsh or fish", strings.Join(args, " "))}
			}
			return shells[args[0]](p.out, completedOf(root, root, ""))
		},
	}
}

// completed is what may follow the words of one command.
type completed struct {
	path  string // such as "chaos run"; empty: the program itself
	words []choice
	flags []choice
}

// choice is one word and what it means.
type choice struct {
	word, help string
	value      bool // a flag that is followed by its value
}

// completedOf lists a command and those below it, in the order of the help.
func completedOf(root, c *ffcli.Command, path string) []completed {
	here := completed{path: path, flags: []choice{{word: "-h", help: "help"}}}
	var below []completed
	for _, sub := range c.Subcommands {
		here.words = append(here.words, choice{word: sub.Name, help: sub.ShortHelp})
		below = append(below, completedOf(root, sub, strings.TrimSpace(path+" "+sub.Name))...)
	}
	switch path {
	case "completion":
		here.words = []choice{{word: "bash"}, {word: "zsh"}, {word: "fish"}}
	case "help":
		here.words = []choice{{word: "exit-codes"}}
		for _, other := range root.Subcommands {
			here.words = append(here.words, choice{word: other.Name, help: other.ShortHelp})
		}
	}
	if c.FlagSet != nil {
		c.FlagSet.VisitAll(func(f *flag.Flag) {
			_, usage := flag.UnquoteUsage(f)
			first, _, _ := strings.Cut(usage, ": ")
			toggle, ok := f.Value.(interface{ IsBoolFlag() bool })
			here.flags = append(here.flags, choice{"-" + f.Name, first, !ok || !toggle.IsBoolFlag()})
		})
	}
	return append([]completed{here}, below...)
}

// wordsOf is the words of choices.
func wordsOf(choices []choice) string {
	var all []string
	for _, c := range choices {
		all = append(all, c.word)
	}
	return strings.Join(all, " ")
}

// valued is the flags that are followed by a value.
func valued(all []completed) string {
	var flags []string
	seen := map[string]bool{}
	for _, c := range all {
		for _, f := range c.flags {
			if f.value && !seen[f.word] {
				seen[f.word] = true
				flags = append(flags, f.word)
			}
		}
	}
	return strings.Join(flags, "|")
}

// completeBash prints a function that walks the words typed down the commands, and offers what may follow there.
func completeBash(w io.Writer, all []completed) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# source <(sessnode completion bash)
_sessnode() {
  local path='' word previous="${COMP_WORDS[COMP_CWORD-1]}" current="${COMP_WORDS[COMP_CWORD]}" i
  COMPREPLY=()
  case "$previous" in
    %s) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${path:+$path }${COMP_WORDS[i]}"
    case "$word" in
      %s) path="$word" ;;
    esac
  done
  case "$path" in
`, valued(all), paths(all))
	for _, c := range all {
		fmt.Fprintf(&b, "    %s) COMPREPLY=($(compgen -W %s -- \"$current\")) ;;\n", asWord(c.path), asWord(strings.TrimSpace(wordsOf(c.words)+" "+wordsOf(c.flags))))
	}
	b.WriteString("  esac\n}\ncomplete -o filenames -F _sessnode sessnode\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// paths is a pattern of every command.
func paths(all []completed) string {
	var each []string
	for _, c := range all[1:] {
		each = append(each, asWord(c.path))
	}
	return strings.Join(each, "|")
}

// asWord is a text as one word of any of the shells.
func asWord(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// completeZsh does the same, with what each word means.
func completeZsh(w io.Writer, all []completed) error {
	var b strings.Builder
	fmt.Fprintf(&b, `#compdef sessnode
# source <(sessnode completion zsh)
_sessnode() {
  local path_= word i
  local -a choices
  case "${words[CURRENT-1]}" in
    %s) _files; return ;;
  esac
  for ((i = 2; i < CURRENT; i++)); do
    word="${path_:+$path_ }${words[i]}"
    case "$word" in
      %s) path_="$word" ;;
    esac
  done
  case "$path_" in
`, valued(all), paths(all))
	for _, c := range all {
		fmt.Fprintf(&b, "    %s) choices=(", asWord(c.path))
		for _, one := range append(append([]choice{}, c.words...), c.flags...) {
			fmt.Fprintf(&b, "\n      %s", asWord(one.word+":"+strings.ReplaceAll(one.help, ":", `\:`)))
		}
		b.WriteString(") ;;\n")
	}
	b.WriteString("  esac\n  _describe sessnode choices\n}\ncompdef _sessnode sessnode\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// completeFish prints one line for each word.
func completeFish(w io.Writer, all []completed) error {
	var b strings.Builder
	b.WriteString(`# sessnode completion fish > ~/.config/fish/completions/sessnode.fish
function __sessnode_at
  set -l path
  for word in (commandline -opc)[2..-1]
    set -l longer (string join ' ' $path $word)
    contains -- $longer $argv[2..-1]; and set path (string split ' ' $longer)
  end
  test "$path" = $argv[1]
end
`)
	var known []string
	for _, c := range all[1:] {
		known = append(known, asWord(c.path))
	}
	fmt.Fprintf(&b, "set -g __sessnode_paths %s\ncomplete -c sessnode -f\n", strings.Join(known, " "))
	for _, c := range all {
		at := asWord(fmt.Sprintf(`__sessnode_at "%s" $__sessnode_paths`, c.path))
		for _, one := range c.words {
			fmt.Fprintf(&b, "complete -c sessnode -n %s -a %s -d %s\n", at, one.word, fishQuoted(one.help))
		}
		for _, one := range c.flags {
			follows := ""
			if one.value {
				follows = " -r -F"
			}
			fmt.Fprintf(&b, "complete -c sessnode -n %s -o %s%s -d %s\n", at, one.word[1:], follows, fishQuoted(one.help))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// fishQuoted is a text as one word of fish, which escapes a quote otherwise.
func fishQuoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}
