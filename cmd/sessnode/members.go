package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
)

// errNotInTime: what a command waited for did not come about in the time that it was given.
var errNotInTime = errors.New("not in time")

// answered is what one member said to a command.
type answered[T any] struct {
	member replica.Member
	said   T
	err    error
}

// askAll gives every member that the client knows a command and decodes the answers, which are in the order of names.
func askAll[T any](ctx context.Context, c *client.Client, command, argument string) []answered[T] {
	return askEach(ctx, c, func(ctx context.Context, m replica.Member) (T, error) {
		return ask[T](ctx, c, m.Addr, command, argument)
	})
}

// askEach asks every member that the client knows. The answers are in the order of names.
func askEach[T any](ctx context.Context, c *client.Client, ask func(context.Context, replica.Member) (T, error)) []answered[T] {
	members := c.Members()
	slices.SortFunc(members, func(a, b replica.Member) int { return strings.Compare(a.Name, b.Name) })
	all := make([]answered[T], len(members))
	var asking sync.WaitGroup
	for i, m := range members {
		asking.Go(func() { // owns its element
			all[i].member = m
			all[i].said, all[i].err = ask(ctx, m)
		})
	}
	asking.Wait()
	return all
}

// ask gives one member a command and decodes the answer.
func ask[T any](ctx context.Context, c *client.Client, addr, command, argument string) (T, error) {
	var said T
	document, err := c.Admin(ctx, addr, command, argument)
	if err != nil {
		return said, err
	}
	if err := json.Unmarshal(document, &said); err != nil {
		return said, fmt.Errorf("%s of %s: the node's answer: %w", command, addr, err)
	}
	return said, nil
}

// unable is the error that asking anybody again would bring again, or nil.
func unable[T any](all []answered[T]) error {
	for _, a := range all {
		if errors.Is(a.err, replica.ErrForbidden) || errors.Is(a.err, context.Canceled) {
			return a.err
		}
	}
	return nil
}

// saidBy is what those said who answered.
func saidBy[T any](all []answered[T]) (said []T) {
	for _, a := range all {
		if a.err == nil {
			said = append(said, a.said)
		}
	}
	return said
}

// namesOf is the names of those who were asked.
func namesOf[T any](all []answered[T]) (names []string) {
	for _, a := range all {
		names = append(names, a.member.Name)
	}
	return names
}

// silentOf is the names of those who did not answer.
func silentOf[T any](all []answered[T]) (names []string) {
	for _, a := range all {
		if a.err != nil {
			names = append(names, a.member.Name)
		}
	}
	return names
}

// missingOf is the members that any of those asked looks for, in the order of names.
func missingOf(statuses []node.Status) []node.MissingStatus {
	byName := map[string]node.MissingStatus{}
	for _, s := range statuses {
		for _, m := range s.Missing {
			byName[m.Name] = m
		}
	}
	var all []node.MissingStatus
	for _, m := range byName {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b node.MissingStatus) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// silence is an error if some did not answer.
func silence(silent []string) error {
	if len(silent) == 0 {
		return nil
	}
	return explain(errNotInTime, "no answer from %s: ask again", strings.Join(silent, ", "))
}
