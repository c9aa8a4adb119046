package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/sessnode/sessnode/child"
)

// What the unattended check does and asks for.
const (
	onceCount      = 200
	onceWaitMax    = 2 * time.Second  // a visitor who waits longer fails the check
	requestTimeout = 10 * time.Second // of one request
)

// check counts to 200 over both shops while the session's primary is killed halfway, then restarts the shops, so that no
// cache can answer, and reads the count through both.
func (p *program) check(ctx context.Context, d *demo) error {
	v := &visitor{}
	progress := p.steps("pieces put into the cart", onceCount)
	for i := range onceCount {
		if i == onceCount/2 {
			if err := p.killPrimary(ctx, d, v.session, progress); err != nil {
				return err
			}
		}
		cart, err := v.do(ctx, http.MethodPost, d.shopURLs[i%len(d.shopURLs)]+"/api/cart/apple")
		if err != nil {
			return fmt.Errorf("piece %d: %w", i+1, err)
		}
		if cart.Pieces != i+1 {
			return fmt.Errorf("piece %d: %s counts %d", i+1, cart.Server, cart.Pieces)
		}
		progress.step()
	}
	progress.say("restarting both application servers, so that no cache can answer")
	for _, s := range d.shops {
		s.Kill()
	}
	if err := d.openShops(ctx); err != nil {
		return err
	}
	return p.judge(ctx, d, v)
}

// judge reads the count through each shop and compares.
func (p *program) judge(ctx context.Context, d *demo, v *visitor) error {
	for _, url := range d.shopURLs {
		cart, err := v.do(ctx, http.MethodGet, url+"/api/cart")
		if err != nil {
			return fmt.Errorf("read the count: %w", err)
		}
		if cart.Pieces != onceCount {
			return fmt.Errorf("%d of %d: %s has lost or doubled some", cart.Pieces, onceCount, cart.Server)
		}
	}
	fmt.Fprintf(p.out, "%d of %d; longest wait %v\n", onceCount, onceCount, v.longest.Round(time.Millisecond))
	if v.longest > onceWaitMax {
		return fmt.Errorf("a request waited %v, more than %v", v.longest.Round(time.Millisecond), onceWaitMax)
	}
	return nil
}

// killPrimary kills the node that `sessnode get` names as the session's primary.
func (p *program) killPrimary(ctx context.Context, d *demo, session string, progress *steps) error {
	view, err := getByCommand(ctx, d, session)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(d.nodes, func(n *child.Process) bool { return n.Name == view.Primary.Name })
	if i < 0 {
		return fmt.Errorf("'sessnode get' names %q as the session's primary, which is none of the nodes", view.Primary.Name)
	}
	pid := d.nodes[i].Kill()
	if pid == 0 {
		return fmt.Errorf("%s, the session's primary, was dead already", view.Primary.Name)
	}
	progress.say("killed the session's primary, %s, process %d, with SIGKILL", view.Primary.Name, pid)
	return nil
}

// getByCommand runs `sessnode get -json` for the shop's session, as an operator would.
func getByCommand(ctx context.Context, d *demo, session string) (sessionView, error) {
	var view sessionView
	binary, err := os.Executable()
	if err != nil {
		return view, err
	}
	cmd := exec.CommandContext(ctx, binary, "get", "-json", "-app", shopApp, "-node", strings.Join(d.nodeAddrs, ","), "-")
	cmd.Env, cmd.Stdin = child.WithoutOurs(os.Environ()), strings.NewReader(session+"\n")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return view, fmt.Errorf("'sessnode get': %w: %s", err, bytes.TrimSpace(complaint.Bytes()))
	}
	return view, json.Unmarshal(out, &view)
}

// visitor is a browser as small as can be: one cookie, and a watch.
type visitor struct {
	session string        // value of the cookie; empty before the first answer
	longest time.Duration // that an answer took
}

// do makes one request and never repeats it: a repeated one could count twice. Anything but 200 is an error.
func (v *visitor) do(ctx context.Context, method, url string) (cartAnswer, error) {
	var cart cartAnswer
	ctx, cancel := context.WithTimeoutCause(ctx, requestTimeout, errors.New("no answer in time"))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return cart, err
	}
	if v.session != "" {
		req.AddCookie(&http.Cookie{Name: cookieName, Value: v.session})
	}
	started := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return cart, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	v.longest = max(v.longest, time.Since(started))
	if err != nil {
		return cart, err
	}
	if resp.StatusCode != http.StatusOK {
		return cart, fmt.Errorf("%s answered %s: %s", url, resp.Status, bytes.TrimSpace(body))
	}
	for _, cookie := range resp.Cookies() {
		if cookie.Name == cookieName {
			v.session = cookie.Value
		}
	}
	return cart, json.Unmarshal(body, &cart)
}
