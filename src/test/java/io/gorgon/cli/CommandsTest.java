package io.gorgon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestMachine;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands as a user runs them: a process of their own, its exit code, its two streams. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class CommandsTest {

  @TempDir Path directory;

  private record Ended(int code, String out, String err) {}

  private Ended run(String input, String... arguments) throws IOException, InterruptedException {
    return start(gorgon(List.of(), arguments), input);
  }

  private static List<String> gorgon(List<String> jvm, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:TieredStopAtLevel=1");
    if (Runtime.version().feature() >= 24) {
      // What the README advises: Pekko uses what these versions warn of.
      command.add("--sun-misc-unsafe-memory-access=allow");
    }
    command.addAll(jvm);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Gorgon.class.getName()));
    command.addAll(List.of(arguments));
    return command;
  }

  /** On a terminal of its own, with Ctrl-C when {@code pattern} shows; {@code ""} for never. */
  private Ended onTerminal(String pattern, String... arguments)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(TestMachine.CURRENT.python(), "src/test/python/terminal.py", pattern));
    command.addAll(gorgon(List.of("-Dgorgon.log=INFO"), arguments));
    return start(command, "");
  }

  private Ended start(List<String> command, String input) throws IOException, InterruptedException {
    Path in = Files.writeString(directory.resolve("in"), input);
    Path out = directory.resolve("out");
    Path err = directory.resolve("err");
    Process process =
        new ProcessBuilder(command)
            .redirectInput(in.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Ended(
        process.exitValue(),
        Files.readString(out, StandardCharsets.UTF_8),
        Files.readString(err, StandardCharsets.UTF_8));
  }

  @Test
  void callPrintsTheResultAlone() throws Exception {
    Ended ended = run("", "call", "math:sqrt", "[16]");

    assertThat(ended).isEqualTo(new Ended(0, "4.0\n", ""));
    assertThat(
            run(
                    "{\"x\": 5}",
                    "call",
                    "--path",
                    "src/test/python",
                    "targets:add",
                    "{\"a\":1,\"b\":2}")
                .out())
        .isEqualTo("3\n");
  }

  @Test
  void everyKindOfFailureHasItsExitCode() throws Exception {
    Ended raised = run("", "call", "math:sqrt", "[-1]");
    assertThat(raised.code()).isEqualTo(3);
    assertThat(raised.out()).isEmpty();
    assertThat(raised.err()).startsWith("gorgon: PythonRaised: math:sqrt raised ValueError");
    assertThat(run("", "call", "os:_exit", "[9]").code()).isEqualTo(4);
    assertThat(run("", "call", "--timeout", "300ms", "time:sleep", "[9]").code()).isEqualTo(5);
    assertThat(run("", "call", "--python", "/nowhere", "math:sqrt", "[1]").code()).isEqualTo(6);
    assertThat(run("", "call", "math:sqrt", "16").code()).isEqualTo(2);
    assertThat(run("", "call", "--timeout", "soon", "math:sqrt", "[1]").code()).isEqualTo(2);
    assertThat(run("", "call", "--config", "/nowhere.conf", "math:sqrt", "[1]").code())
        .isEqualTo(2);
    assertThat(run("", "nonsense").code()).isEqualTo(2);
  }

  @Test
  void mapKeepsTheOrderAndPutsErrorsInTheirPlace() throws Exception {
    Ended ended = run("1\n\n4\n-9\nnonsense\n16", "map", "math:sqrt");

    List<String> lines = ended.out().lines().toList();
    assertThat(ended.code()).isEqualTo(7);
    assertThat(lines).hasSize(5);
    assertThat(lines.get(1)).isEqualTo("2.0");
    assertThat(lines.get(2)).contains("\"PythonRaised\"").contains("\"line\":4");
    assertThat(lines.get(3)).contains("\"InvalidInput\"").contains("\"line\":5");
    assertThat(lines.get(4)).isEqualTo("4.0");
    assertThat(ended.err()).isEqualTo("gorgon: 2 of 5 lines failed; each says why in its place\n");
    Ended many = run("[1,2]\n".repeat(3_000), "map", "--spread", "operator:add");
    assertThat(many.code()).isZero();
    assertThat(many.out()).isEqualTo("3\n".repeat(3_000));
  }

  @Test
  void theDemoAnswersEveryLineAndLeavesNobody() throws Exception {
    Path text = Files.writeString(directory.resolve("text"), "one two three\n".repeat(2_000));
    Ended ended = run("", "demo", text.toString());

    assertThat(ended.code()).isZero();
    assertThat(ended.err()).contains("half-way: killing worker");
    assertThat(ended.out())
        .startsWith("2000 of 2000 lines answered")
        .contains("incarnation")
        .contains("6000 words")
        .endsWith("no process is left\n");
    assertThat(run("", "demo", "/nowhere/text").code()).isEqualTo(2);
  }

  /** The lines that a terminal shows in the end: what a carriage return overwrites is gone. */
  private static List<String> shown(Ended ended) {
    return Pattern.compile("\r?\n")
        .splitAsStream(ended.out())
        .map(line -> line.substring(line.lastIndexOf('\r') + 1))
        .map(line -> line.replaceAll("\033\\[[0-9;]*[mK]", "").strip())
        .toList();
  }

  @Test
  void onATerminalTheBarIsAtTheFootAndOtherLinesAreAboveIt() throws Exception {
    Path text = Files.writeString(directory.resolve("text"), "one two three\n".repeat(4_000));
    Ended ended = onTerminal("", "demo", text.toString());

    assertThat(ended.code()).isZero();
    List<String> lines = shown(ended);
    assertThat(lines).anyMatch(line -> line.matches("half-way: killing worker .* with SIGKILL"));
    assertThat(lines).anyMatch(line -> line.matches("worker \\d\\.2 .* has taken its place, .*"));
    assertThat(lines.stream().filter(line -> line.startsWith("lines 100%"))).hasSize(1);
    assertThat(lines).allMatch(line -> line.length() < 100 || !line.contains("│"));
    assertThat(lines).endsWith("no process is left");
  }

  @Test
  void ctrlCEndsTheDemoAtOnceAndSaysHowFarItWas() throws Exception {
    Path text = Files.writeString(directory.resolve("text"), "one two three\n".repeat(200_000));
    Ended ended = onTerminal("lines +[1-9]", "demo", text.toString());

    assertThat(ended.code()).isEqualTo(130);
    List<String> lines = shown(ended);
    assertThat(lines)
        .anyMatch(line -> line.matches("gorgon: interrupted: \\d+ of 200000 lines answered"));
    assertThat(ended.out()).doesNotContain("incarnation").doesNotContain("\tat ");
    assertNobodyIsLeft(ended);
  }

  @Test
  void ctrlCEndsACallThatDoesNotListen() throws Exception {
    Path input = Files.writeString(directory.resolve("input"), "60\n".repeat(100));
    long began = System.nanoTime();
    Ended ended =
        onTerminal(
            "Gorgon serves",
            "map",
            "--path",
            "src/test/python",
            "targets:announce_and_hang",
            input.toString());

    assertThat(ended.code()).isEqualTo(130);
    assertThat(shown(ended)).contains("gorgon: interrupted after 0 results");
    assertThat(ended.out()).doesNotContain("\"error\"").doesNotContain("\tat ");
    assertThat(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began)).isLessThan(20);
    assertNobodyIsLeft(ended);
  }

  private static void assertNobodyIsLeft(Ended ended) {
    List<Long> pids =
        Pattern.compile("is ready \\(pid (\\d+)")
            .matcher(ended.out())
            .results()
            .map(found -> Long.parseLong(found.group(1)))
            .toList();
    assertThat(pids).isNotEmpty();
    org.awaitility.Awaitility.await()
        .atMost(Duration.ofSeconds(1))
        .until(() -> pids.stream().noneMatch(pid -> ProcessHandle.of(pid).isPresent()));
  }

  @Test
  void whatCannotBeReadIsNamedInTwoLines() throws Exception {
    Ended missing = run("", "map", "math:sqrt", "/nowhere/input");
    assertThat(missing)
        .isEqualTo(
            new Ended(2, "", "gorgon: there is no file /nowhere/input\ntry: gorgon map --help\n"));
    assertThat(run("", "demo", directory.toString()).err()).contains("is a directory");
    Ended json = run("", "call", "math:sqrt", "[1");
    assertThat(json.err())
        .startsWith("gorgon: JSON-ARGUMENTS is no JSON (Unexpected end-of-input")
        .contains("at column 3")
        .doesNotContain("REDACTED");
    List<String> closed = new ArrayList<>(List.of("sh", "-c", "exec \"$@\" <&-", "sh"));
    closed.addAll(gorgon(List.of(), "map", "math:sqrt"));
    Ended noInput = start(closed, "");
    assertThat(noInput.code()).isEqualTo(2);
    assertThat(noInput.err()).startsWith("gorgon: standard input is closed");
  }

  @Test
  void mapEndsAtOnceWhereNoLineCanBeAnswered() throws Exception {
    Ended noPython = run("1\n2\n", "map", "--python", "/nowhere/python", "math:sqrt");
    assertThat(noPython.code()).isEqualTo(6);
    assertThat(noPython.out()).isEmpty();
    assertThat(noPython.err().lines()).hasSize(1);
    assertThat(run("1\n2\n", "map", "math:no_such_function").code()).isEqualTo(3);
    List<String> head =
        new ArrayList<>(List.of("bash", "-c", "\"$@\" | head -1; exit ${PIPESTATUS[0]}", "bash"));
    head.addAll(gorgon(List.of(), "map", "math:sqrt"));
    assertThat(start(head, "4\n".repeat(50_000))).isEqualTo(new Ended(0, "2.0\n", ""));
  }

  @Test
  void doctorIsWellHereAndNamesWhatIsNot() throws Exception {
    Ended well = run("", "doctor");
    assertThat(well.out()).contains("ok").doesNotContain("PROBLEM");
    assertThat(well.code()).isZero();
    Ended ill = run("", "doctor", "--python", "/nowhere/python3");
    assertThat(ill.code()).isEqualTo(8);
    assertThat(ill.out()).contains("PROBLEM").contains("setting 'python'");
  }

  @ParameterizedTest
  @ValueSource(strings = {"demo", "call", "map", "node", "doctor", "bench"})
  void everyCommandHelps(String command) throws Exception {
    Ended ended = run("", command, "--help");
    assertThat(ended.code()).isZero();
    assertThat(ended.out()).contains("Usage: gorgon " + command).contains("Exit codes:");
  }
}
