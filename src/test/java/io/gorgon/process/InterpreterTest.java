package io.gorgon.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gorgon.message.PythonFailure.StartFailed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the interpreter is looked for, in which order, and what is said if there is none. */
class InterpreterTest {

  @TempDir Path root;
  private Path here;

  @BeforeEach
  void makeDirectories() throws IOException {
    here = Files.createDirectory(root.resolve("here"));
  }

  private static Path program(Path path) throws IOException {
    Files.createDirectories(path.getParent());
    Files.writeString(path, "#!/bin/sh\n");
    return Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private Interpreter find(String setting, Map<String, String> environment) {
    return Interpreter.find(setting, environment, here, "Linux");
  }

  @Test
  void anActiveVirtualEnvironmentGoesFirst() throws IOException {
    Path active = program(root.resolve("active/bin/python3"));
    program(here.resolve(".venv/bin/python3"));
    program(root.resolve("bin/python3"));

    Interpreter found =
        find(
            "auto",
            Map.of(
                "VIRTUAL_ENV", root.resolve("active").toString(),
                "PATH", root.resolve("bin").toString()));

    assertThat(found).isEqualTo(new Interpreter(active, "VIRTUAL_ENV"));
  }

  @Test
  void theLocalVirtualEnvironmentGoesBeforeThePath() throws IOException {
    Path local = program(here.resolve(".venv/bin/python3"));
    program(root.resolve("bin/python3"));

    Interpreter found =
        find("auto", Map.of("VIRTUAL_ENV", "", "PATH", root.resolve("bin").toString()));

    assertThat(found.path()).isEqualTo(local);
    assertThat(found.reason()).contains(".venv");
  }

  @Test
  void thePathIsSearchedInItsOrderAndItsEmptyPartsAreSkipped() throws IOException {
    Path second = program(root.resolve("b/python3"));
    program(root.resolve("c/python3"));
    String path = "::" + root.resolve("a") + ":" + root.resolve("b") + ":" + root.resolve("c");

    assertThat(find("auto", Map.of("PATH", path))).isEqualTo(new Interpreter(second, "PATH"));
  }

  @Test
  void aVirtualEnvironmentIsKnownByItsLinkSoLinksAreKept() throws IOException {
    Path real = program(root.resolve("real/python3.11"));
    Path link = here.resolve(".venv/bin/python3");
    Files.createDirectories(link.getParent());
    Files.createSymbolicLink(link, real);

    assertThat(find("auto", Map.of()).path()).isEqualTo(link);
  }

  @Test
  void neitherDirectoriesNorPlainFilesAreInterpreters() throws IOException {
    Files.createDirectories(root.resolve("active/bin/python3"));
    Files.createDirectories(here.resolve(".venv/bin"));
    Files.writeString(here.resolve(".venv/bin/python3"), "no program");
    Files.createDirectories(root.resolve("bin/python3"));
    var environment =
        Map.of(
            "VIRTUAL_ENV", root.resolve("active").toString(),
            "PATH", root.resolve("bin").toString());

    assertThatThrownBy(() -> find("auto", environment)).isInstanceOf(StartFailed.class);
  }

  @Test
  void aNamedPathIsTakenAsItIs() throws IOException {
    Path mine = program(root.resolve("mine/python"));

    Interpreter found = find(mine.toString(), Map.of("VIRTUAL_ENV", "/elsewhere"));

    assertThat(found.path()).isEqualTo(mine);
    assertThat(found.reason()).contains("setting");
  }

  @Test
  void aNamedCommandIsLookedForOnThePath() throws IOException {
    Path mine = program(root.resolve("bin/pypy3"));

    assertThat(find("pypy3", Map.of("PATH", root.resolve("bin").toString())).path())
        .isEqualTo(mine);
  }

  @Test
  void aRelativePartOfThePathGivesAnAbsoluteInterpreter() {
    assertThatThrownBy(() -> find("no-such-python", Map.of("PATH", "relative")))
        .hasMessageContaining(Path.of("relative", "no-such-python").toAbsolutePath().toString());
  }

  @Test
  void whereThereIsNoneItSaysWhereItLookedAndWhatToDo() {
    var environment =
        Map.of("VIRTUAL_ENV", root.resolve("gone").toString(), "PATH", root + "/empty");

    assertThatThrownBy(() -> find("auto", environment))
        .isInstanceOfSatisfying(
            StartFailed.class,
            failed -> assertThat(failed.kind()).isEqualTo(StartFailed.Kind.NO_INTERPRETER))
        .hasMessageContaining(root.resolve("gone/bin/python3").toString())
        .hasMessageContaining(here.resolve(".venv/bin/python3").toString())
        .hasMessageContaining(root.resolve("empty/python3").toString())
        .hasMessageContaining("install Python 3.9 or newer");
  }

  @Test
  void aNamedOneThatIsNotThereIsNotReplacedByAnother() throws IOException {
    program(here.resolve(".venv/bin/python3"));

    assertThatThrownBy(() -> find(root + "/gone", Map.of()))
        .isInstanceOf(StartFailed.class)
        .hasMessageContaining("gone")
        .hasMessageContaining("setting 'python'");
  }

  @Test
  void withoutAPathThereIsNoCommand() {
    assertThatThrownBy(() -> find("python3", Map.of())).isInstanceOf(StartFailed.class);
  }

  @Test
  void windowsIsToldToUseWsl() {
    assertThatThrownBy(() -> Interpreter.find("auto", Map.of(), here, "Windows 11"))
        .isInstanceOfSatisfying(
            StartFailed.class,
            failed -> assertThat(failed.kind()).isEqualTo(StartFailed.Kind.PLATFORM))
        .hasMessageContaining("WSL 2");
  }
}
