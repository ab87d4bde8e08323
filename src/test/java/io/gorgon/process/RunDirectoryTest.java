package io.gorgon.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gorgon.message.PythonFailure.StartFailed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A private place with a short name, which goes with what is in it. */
class RunDirectoryTest {

  @TempDir Path root;

  @Test
  void itIsPrivateAndNamedAsTheKeeperExpects() throws IOException {
    RunDirectory made = RunDirectory.create(root);

    assertThat(made.path()).isDirectory().hasParent(root);
    assertThat(made.path().getFileName().toString()).startsWith(RunDirectory.PREFIX);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(made.path())))
        .isEqualTo("rwx------");
    assertThat(made.file("w0-1.sock")).isEqualTo(made.path().resolve("w0-1.sock"));
  }

  @Test
  void noTwoAreTheSame() {
    assertThat(RunDirectory.create(root).path()).isNotEqualTo(RunDirectory.create(root).path());
  }

  @Test
  void whereThePathIsTooLongForSocketsItIsUnderTmp() throws IOException {
    Path deep = Files.createDirectories(root.resolve("d".repeat(100)));
    // 30 characters, 90 bytes: what counts is bytes.
    Path wide = Files.createDirectories(root.resolve("€".repeat(30)));

    for (Path home : new Path[] {deep, wide}) {
      RunDirectory made = RunDirectory.create(home);
      assertThat(made.path()).hasParent(Path.of("/tmp"));
      made.delete();
    }
  }

  @Test
  void deletingTakesWhatIsInItAndFollowsNoLinks() throws IOException {
    Path precious = Files.writeString(root.resolve("precious"), "mine");
    RunDirectory made = RunDirectory.create(root);
    Files.writeString(made.file("w0-1.page"), "");
    Files.createDirectories(made.file("bridge").resolve("gorgon"));
    Files.writeString(made.file("bridge").resolve("gorgon").resolve("x.py"), "");
    Files.createSymbolicLink(made.file("link"), root);

    made.delete();

    assertThat(made.path()).doesNotExist();
    assertThat(precious).hasContent("mine");
  }

  @Test
  void deletingWhatIsGoneDoesNotMatter() {
    RunDirectory made = RunDirectory.create(root);
    made.delete();
    made.delete();
    RunDirectory.deleteQuietly(made.file("never"));

    assertThat(made.path()).doesNotExist();
  }

  @Test
  void whereItCannotBeMadeItSaysWhatToDo() {
    assertThatThrownBy(() -> RunDirectory.create(root.resolve("gone")))
        .isInstanceOfSatisfying(
            StartFailed.class,
            failed -> assertThat(failed.kind()).isEqualTo(StartFailed.Kind.ENVIRONMENT))
        .hasMessageContaining("java.io.tmpdir");
  }
}
