package io.gorgon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.testkit.Layer;
import io.gorgon.testkit.NeedsLayer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
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
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Gorgon.class.getName()));
    command.addAll(List.of(arguments));
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
  @ValueSource(strings = {"demo", "call", "map", "doctor", "bench"})
  void everyCommandHelps(String command) throws Exception {
    Ended ended = run("", command, "--help");
    assertThat(ended.code()).isZero();
    assertThat(ended.out()).contains("Usage: gorgon " + command).contains("Exit codes:");
  }
}
