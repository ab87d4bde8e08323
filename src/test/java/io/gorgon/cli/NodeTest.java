package io.gorgon.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestMachine;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command {@code node} as a user runs it: a process of its own, what it says, how it ends. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class NodeTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir Path directory;

  private final List<Process> running = new ArrayList<>();
  private int remoting;
  private int management;

  @BeforeEach
  void findPorts() throws IOException {
    try (var one = listen(0);
        var other = listen(0)) {
      remoting = one.getLocalPort();
      management = other.getLocalPort();
    }
  }

  @AfterEach
  void end() {
    running.forEach(Process::destroyForcibly);
  }

  private static ServerSocket listen(int port) throws IOException {
    return new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"));
  }

  private Process start(List<String> before, String... settings) throws IOException {
    List<String> command = new ArrayList<>(before);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:TieredStopAtLevel=1");
    if (Runtime.version().feature() >= 24) {
      command.add("--sun-misc-unsafe-memory-access=allow");
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Gorgon.class.getName()));
    command.addAll(List.of("node", "--config", "config/node.conf"));
    command.add("-Dpekko.remote.artery.canonical.port=" + remoting);
    command.add("-Dpekko.management.http.port=" + management);
    command.add("-Dpekko.cluster.seed-nodes.0=pekko://gorgon@127.0.0.1:" + remoting);
    command.add("-Dgorgon.pools.default.python=" + TestMachine.CURRENT.python());
    command.addAll(List.of(settings));
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(directory.resolve("out").toFile())
            .redirectError(directory.resolve("err").toFile())
            .start();
    running.add(process);
    return process;
  }

  private String out() throws IOException {
    return Files.readString(directory.resolve("out"));
  }

  private String all() throws IOException {
    return out() + Files.readString(directory.resolve("err"));
  }

  private void awaitSaid(String text) {
    await().atMost(PATIENCE).until(() -> out().contains(text));
  }

  private int ended(Process process) throws InterruptedException, IOException {
    assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).as(all()).isTrue();
    return process.exitValue();
  }

  private int ask(String path) throws IOException, InterruptedException {
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + management + "/" + path))
                .build(),
            HttpResponse.BodyHandlers.discarding())
        .statusCode();
  }

  private void assertNoWorkerIsLeft() throws IOException {
    List<Long> pids =
        Pattern.compile("is ready \\(pid (\\d+)")
            .matcher(all())
            .results()
            .map(found -> Long.parseLong(found.group(1)))
            .toList();
    assertThat(pids).hasSizeGreaterThanOrEqualTo(2);
    await()
        .atMost(Duration.ofSeconds(5))
        .until(() -> pids.stream().noneMatch(pid -> ProcessHandle.of(pid).isPresent()));
  }

  @Test
  void aNodeServesUntilItIsToldToEnd() throws Exception {
    Process node = start(List.of());
    awaitSaid("gorgon: serves; TERM or Ctrl-C");
    assertThat(out())
        .contains("gorgon: node pekko://gorgon@127.0.0.1:" + remoting + ", roles python, version")
        .contains("gorgon: pool default runs here, 2 to 4 workers")
        .contains("gorgon: health at http://127.0.0.1:" + management + "/ready");
    await().atMost(PATIENCE).until(() -> ask("ready") == 200);
    assertThat(List.of(ask("startup"), ask("alive"), ask("cluster/members"))).containsOnly(200);

    node.destroy();

    assertThat(ended(node)).isEqualTo(143);
    assertThat(out())
        .contains("gorgon: told to end (TERM or Ctrl-C); calls that run have 5.0 s")
        .endsWith("gorgon: no Python runs any more\ngorgon: left the cluster\n");
    assertNoWorkerIsLeft();
  }

  @Test
  void aNodeThatIsKilledLeavesNoPython() throws Exception {
    Process node = start(List.of());
    awaitSaid("gorgon: serves");

    node.destroyForcibly();

    assertThat(ended(node)).isEqualTo(137);
    assertNoWorkerIsLeft();
  }

  @Test
  void ctrlCDrainsAndLeaves() throws Exception {
    Process node =
        start(
            List.of(TestMachine.CURRENT.python(), "src/test/python/terminal.py", "gorgon: serves"));

    assertThat(ended(node)).isEqualTo(130);
    assertThat(out()).contains("gorgon: left the cluster");
    assertNoWorkerIsLeft();
  }

  @Test
  void aPortThatIsTakenIsNamedWithItsKey() throws Exception {
    try (var taken = listen(remoting)) {
      Process node = start(List.of());
      assertThat(ended(node)).isEqualTo(1);
      assertThat(taken.getLocalPort()).isEqualTo(remoting);
      assertThat(all().lines())
          .singleElement()
          .asString()
          .startsWith("gorgon: the port of the cluster, 127.0.0.1:" + remoting + ", cannot be had")
          .contains("pekko.remote.artery.canonical.hostname or port");
    }
  }

  @Test
  void aPortOfTheManagementThatIsTakenEndsTheNode() throws Exception {
    try (var taken = listen(management)) {
      Process node = start(List.of());
      assertThat(ended(node)).isEqualTo(1);
      assertThat(taken.getLocalPort()).isEqualTo(management);
      assertThat(out())
          .contains("gorgon: the port of the management, 127.0.0.1:" + management)
          .contains("set pekko.management.http.hostname or port");
    }
  }

  @Test
  void aNodeThatNobodyLetsInEndsAndSaysWhom() throws Exception {
    String nobody = "pekko://gorgon@127.0.0.1:" + management;
    Process node =
        start(
            List.of(),
            "-Dgorgon.node.management=off",
            "-Dpekko.cluster.seed-nodes.0=" + nobody,
            "-Dpekko.cluster.shutdown-after-unsuccessful-join-seed-nodes=3s");

    assertThat(ended(node)).isEqualTo(1);
    assertThat(out())
        .contains("gorgon: no seed node has answered within 3s: one of " + nobody + " must run")
        .contains("gorgon: ended, without having been a member");
  }

  @Test
  void theDoctorTellsOfAStoreThatNodesCannotShareAndTakesNoPort() throws Exception {
    Path file =
        Files.writeString(
            directory.resolve("h2.conf"),
            "include required(file(\""
                + Path.of("config/node.conf").toAbsolutePath()
                + "\"))\ngorgon.default-pool.session.store = durable\n"
                + "pekko.remote.artery.canonical.port = "
                + remoting
                + "\n");
    try (var node = listen(remoting)) {
      var said = new StringWriter();
      int code =
          Gorgon.commandLine()
              .setOut(new PrintWriter(said))
              .execute(
                  "doctor", "--config", file.toString(), "--python", TestMachine.CURRENT.python());

      assertThat(node.isBound()).isTrue();
      assertThat(code).isEqualTo(8);
      assertThat(said.toString())
          .containsPattern("PROBLEM +pool default in a cluster +gorgon.session-store.url\n")
          .contains("H2 database, which one JVM has for itself")
          .contains("a call");
    }
  }

  @Test
  void whatIsWrongInTheSettingsIsSaidBeforeAnythingStarts() throws Exception {
    Process node = start(List.of(), "-Dgorgon.default-pool.session.store=durable");
    assertThat(ended(node)).isEqualTo(2);
    assertThat(all().lines())
        .singleElement()
        .asString()
        .startsWith(
            "gorgon: InvalidSettings: setting 'gorgon.session-store.url' is an H2 database");
  }
}
