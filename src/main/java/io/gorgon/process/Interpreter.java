package io.gorgon.process;

import io.gorgon.message.PythonFailure.StartFailed;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * This finds the Python interpreter that a pool runs on.
 *
 * @param path the executable; symbolic links are kept, since a virtual environment is known by them
 * @param reason why this one: the setting, {@code VIRTUAL_ENV}, {@code .venv} or {@code PATH}
 */
public record Interpreter(Path path, String reason) {

  /** The setting that asks for a search. */
  public static final String AUTO = "auto";

  /** The oldest version that the bridge runs on. */
  public static final String OLDEST = "3.9";

  /**
   * Resolves the setting {@code python}: a path, a command on the {@code PATH}, or {@code auto},
   * which takes the first of {@code $VIRTUAL_ENV}, {@code ./.venv}, and {@code python3} on the
   * {@code PATH}.
   *
   * @throws StartFailed of kind NO_INTERPRETER, saying where was looked, or PLATFORM on Windows
   */
  public static Interpreter find(String setting) {
    return find(setting, System.getenv(), Path.of(""), System.getProperty("os.name", ""));
  }

  static Interpreter find(String setting, Map<String, String> environment, Path here, String os) {
    if (os.startsWith("Windows")) {
      throw new StartFailed(
          StartFailed.Kind.PLATFORM,
          "Gorgon needs Linux or macOS (on Windows, run the JVM inside WSL 2)",
          "");
    }
    if (!setting.equals(AUTO)) {
      return named(setting, environment);
    }
    List<Path> looked = new ArrayList<>();
    String active = environment.get("VIRTUAL_ENV");
    if (active != null && !active.isEmpty()) {
      Path candidate = here.resolve(active).resolve("bin").resolve("python3").toAbsolutePath();
      if (isProgram(candidate)) {
        return new Interpreter(candidate, "VIRTUAL_ENV");
      }
      looked.add(candidate);
    }
    Path local = here.resolve(".venv").resolve("bin").resolve("python3").toAbsolutePath();
    if (isProgram(local)) {
      return new Interpreter(local, ".venv in the working directory");
    }
    looked.add(local);
    for (Path candidate : onPath("python3", environment)) {
      if (isProgram(candidate)) {
        return new Interpreter(candidate, "PATH");
      }
      looked.add(candidate);
    }
    throw missing("python3", looked);
  }

  private static Interpreter named(String setting, Map<String, String> environment) {
    List<Path> candidates =
        setting.contains(File.separator)
            ? List.of(Path.of(setting).toAbsolutePath())
            : onPath(setting, environment);
    for (Path candidate : candidates) {
      if (isProgram(candidate)) {
        return new Interpreter(candidate, "the setting 'python'");
      }
    }
    throw missing(setting, candidates);
  }

  private static boolean isProgram(Path candidate) {
    return Files.isExecutable(candidate) && !Files.isDirectory(candidate);
  }

  private static List<Path> onPath(String command, Map<String, String> environment) {
    List<Path> candidates = new ArrayList<>();
    for (String directory : environment.getOrDefault("PATH", "").split(File.pathSeparator, -1)) {
      if (!directory.isEmpty()) {
        candidates.add(Path.of(directory, command).toAbsolutePath());
      }
    }
    return candidates;
  }

  private static StartFailed missing(String wanted, List<Path> looked) {
    return new StartFailed(
        StartFailed.Kind.NO_INTERPRETER,
        "there is no interpreter '"
            + wanted
            + "' (looked for "
            + String.join(", ", looked.stream().map(Path::toString).distinct().toList())
            + "): install Python "
            + OLDEST
            + " or newer, or name one by the setting 'python'",
        "");
  }
}
