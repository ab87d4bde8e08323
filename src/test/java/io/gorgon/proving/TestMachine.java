package io.gorgon.proving;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * What this machine can test.
 *
 * @param mode the layer asked for by {@code TEST_MODE}, or the highest that can run
 * @param modeReason why that one
 * @param poolingOn false where {@code TEST_POOLING=off}
 * @param python the interpreter of the tests: {@code TEST_PYTHON}, the build's own venv, or python3
 * @param pythonVersion empty where it does not run
 * @param dspyVersion empty where it cannot be imported
 */
public record TestMachine(
    Layer mode,
    String modeReason,
    boolean poolingOn,
    String python,
    Optional<String> pythonVersion,
    Optional<String> dspyVersion) {

  private static final Path BUILD_PYTHON = Path.of("target", "venv", "bin", "python3");

  /** This machine, looked at once. */
  public static final TestMachine CURRENT = look(System.getenv());

  static TestMachine look(Map<String, String> environment) {
    String python =
        environment.getOrDefault(
            "TEST_PYTHON",
            Files.isExecutable(BUILD_PYTHON)
                ? BUILD_PYTHON.toAbsolutePath().toString()
                : "python3");
    Optional<String> version = ask(python, "import platform; print(platform.python_version())");
    Optional<String> dspy =
        version.flatMap(
            any -> ask(python, "import importlib.metadata as m; print(m.version('dspy'))"));
    boolean pooling = !"off".equals(environment.get("TEST_POOLING"));
    String asked = environment.get("TEST_MODE");
    if (asked != null && !asked.isEmpty()) {
      return new TestMachine(
          Layer.ofMode(asked), "TEST_MODE says so", pooling, python, version, dspy);
    }
    Layer highest =
        version.isEmpty()
            ? Layer.MOCK_ADAPTER
            : dspy.isEmpty() ? Layer.BRIDGE_MOCK : Layer.FULL_INTEGRATION;
    return new TestMachine(highest, "the highest that runs here", pooling, python, version, dspy);
  }

  /** What is missing for a layer, with its remedy. */
  Optional<String> missingFor(Layer layer) {
    if (layer.compareTo(Layer.BRIDGE_MOCK) >= 0 && pythonVersion.isEmpty()) {
      return Optional.of(
          "there is no interpreter '" + python + "': set TEST_PYTHON to a Python 3.9 or newer");
    }
    if (layer == Layer.FULL_INTEGRATION && dspyVersion.isEmpty()) {
      return Optional.of(
          python
              + " has no dspy: run the whole build with access to a package index, or set"
              + " TEST_PYTHON to an interpreter that has it");
    }
    return Optional.empty();
  }

  @Override
  public String toString() {
    return "test layer "
        + mode.mode()
        + " ("
        + modeReason
        + "), python "
        + python
        + " "
        + pythonVersion.orElse("missing")
        + ", dspy "
        + dspyVersion.orElse("missing")
        + (poolingOn ? "" : ", pooling off");
  }

  private static Optional<String> ask(String python, String program) {
    try {
      Process process =
          new ProcessBuilder(python, "-c", program)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String answer = new String(process.getInputStream().readAllBytes()).strip();
      boolean well = process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
      return well ? Optional.of(answer) : Optional.empty();
    } catch (IOException missing) {
      return Optional.empty();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }
}
