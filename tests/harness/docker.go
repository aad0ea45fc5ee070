package harness

import (
	"fmt"
	"os/exec"
	"strings"
)

const dockerImage = "postgres:17-alpine"

func dockerWorks() bool { return exec.Command("docker", "info").Run() == nil }

// startContainer runs PostgreSQL in Docker.
func startContainer() (*postgresServer, error) {
	output, err := exec.Command("docker", "run", "--rm", "--detach", "--publish", "127.0.0.1::5432",
		"--env", "POSTGRES_HOST_AUTH_METHOD=trust", dockerImage,
		"-c", "max_connections=500", "-c", "fsync=off", "-c", "full_page_writes=off").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("docker run %s: %w: %s", dockerImage, err, output)
	}
	lines := strings.Fields(string(output))
	id := lines[len(lines)-1] // the lines before it are about pulling the image
	stop, err := removeAfter(id)
	if err != nil {
		return nil, err
	}
	published, err := exec.Command("docker", "port", id, "5432/tcp").Output()
	if err != nil {
		stop()
		return nil, fmt.Errorf("docker port: %w", err)
	}
	address := "postgres://postgres@" + strings.TrimSpace(string(published)) + "/postgres"
	if err := waitFor(address, nil); err != nil {
		stop()
		return nil, fmt.Errorf("PostgreSQL in Docker: %w", err)
	}
	return &postgresServer{url: address, stop: stop}, nil
}

// removeAfter removes the container when the tests end, however they end.
func removeAfter(id string) (stop func(), err error) {
	watcher := exec.Command("sh", "-c", `cat >/dev/null; docker rm --force "$1"`, "sh", id)
	alive, err := watcher.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("watch the container: %w", err)
	}
	if err := watcher.Start(); err != nil {
		return nil, fmt.Errorf("watch the container: %w", err)
	}
	return func() {
		_ = alive.Close() // it is what the watcher waits for
		_ = watcher.Wait()
	}, nil
}
