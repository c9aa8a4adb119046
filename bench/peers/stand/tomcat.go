package stand

import (
	"context"
	_ "embed" // the application and its configuration
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/child"
)

// tomcatHome is where Debian's package puts it.
const tomcatHome = "/usr/share/tomcat10"

var (
	//go:embed tomcat/session.jsp
	tomcatPage []byte
	//go:embed tomcat/web.xml
	tomcatWeb []byte
	//go:embed tomcat/server.xml
	tomcatServer string
)

// tomcats is three application servers of Java, which keep sessions with BackupManager.
type tomcats struct {
	servers
	addrs []string // of HTTP
}

// tomcatMember is one of them, as the configuration of another or its own names it.
type tomcatMember struct {
	Element string // Member, or LocalMember for itself
	Number  int
	Port    string // of the channel
	HTTP    string // port
	Members []tomcatMember
}

func newTomcats(opt Options) (Stand, error) {
	const count = 3
	addrs, err := child.FreeAddrs(2 * count)
	if err != nil {
		return nil, err
	}
	s := &tomcats{addrs: addrs[:count]}
	for i := range count {
		name := fmt.Sprintf("tomcat-%d", i+1)
		base := filepath.Join(opt.Dir, name)
		if err := lay(base, tomcatOf(i, addrs[:count], addrs[count:])); err != nil {
			return nil, err
		}
		s.servers = append(s.servers, &child.Process{
			Name: name, Dir: opt.Dir, Binary: "/usr/bin/env",
			Args: []string{"CATALINA_BASE=" + base, filepath.Join(tomcatHome, "bin/catalina.sh"), "run"}, // each executes the next
		})
	}
	return s, nil
}

// tomcatOf is what the configuration of the i-th server says.
func tomcatOf(i int, web, channels []string) tomcatMember {
	m := tomcatMember{Number: i + 1, Port: port(channels[i]), HTTP: port(web[i])}
	for j, addr := range channels {
		element := "Member"
		if j == i {
			element = "LocalMember"
		}
		m.Members = append(m.Members, tomcatMember{Element: element, Number: j + 1, Port: port(addr)})
	}
	return m
}

func port(addr string) string {
	_, p, err := net.SplitHostPort(addr)
	if err != nil {
		panic("stand: BUG: " + err.Error())
	}
	return p
}

// lay makes the directory of one server.
func lay(base string, m tomcatMember) error {
	for _, dir := range []string{"conf", "logs", "temp", "work", "webapps/ROOT/WEB-INF"} {
		if err := os.MkdirAll(filepath.Join(base, dir), 0o700); err != nil {
			return err
		}
	}
	defaults, err := os.ReadFile(filepath.Join(tomcatHome, "etc/web.xml"))
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"conf/web.xml": defaults, "webapps/ROOT/session.jsp": tomcatPage, "webapps/ROOT/WEB-INF/web.xml": tomcatWeb,
	} {
		if err := os.WriteFile(filepath.Join(base, name), content, 0o600); err != nil {
			return err
		}
	}
	f, err := os.Create(filepath.Join(base, "conf/server.xml"))
	if err != nil {
		return err
	}
	defer f.Close()
	return template.Must(template.New("server.xml").Parse(tomcatServer)).Execute(f, m)
}

// Begin implements Stand. The first request compiles the page.
func (s *tomcats) Begin(ctx context.Context) error {
	if err := s.start(); err != nil {
		return err
	}
	return s.await(ctx, func(ctx context.Context) error {
		_, _, err := s.count(ctx)
		return err
	})
}

// Generator implements Stand.
func (s *tomcats) Generator(int) load.Setup {
	return load.Setup{Product: "tomcat", Addrs: s.addrs}
}

// count is how many sessions there are, and how many copies of them besides.
func (s *tomcats) count(ctx context.Context) (sessions, copies int, err error) {
	for _, addr := range s.addrs {
		var primary, backup int
		answer, err := get(ctx, "http://"+addr+"/session.jsp?op=copies&v=0")
		if err == nil {
			_, err = fmt.Sscan(answer, &primary, &backup)
		}
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w: %.300s", addr, err, answer)
		}
		sessions, copies = sessions+primary, copies+backup
	}
	return sessions, copies, nil
}

func get(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", response.Status)
	}
	return string(body), err
}

// Copies implements Stand.
func (s *tomcats) Copies(ctx context.Context, _ []string, _ *load.Board, all int) error {
	sessions, copies, err := s.count(ctx)
	if err == nil && (sessions < all || copies < all) {
		err = fmt.Errorf("%w: of %d sessions the nodes are primary of %d and backup of %d", load.ErrWrong, all, sessions, copies)
	}
	return err
}

// lacksTomcat says how to install it.
func lacksTomcat() string {
	if _, err := os.Stat(filepath.Join(tomcatHome, "bin/catalina.sh")); err != nil {
		return "apt-get install tomcat10"
	}
	return ""
}
