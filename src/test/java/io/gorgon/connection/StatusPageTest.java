package io.gorgon.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One page that both sides see. */
class StatusPageTest {

  @TempDir Path root;
  private Path file;
  private StatusPage page;

  @BeforeEach
  void make() throws IOException {
    file = root.resolve("page");
    page = StatusPage.create(file);
  }

  private ByteBuffer words() throws IOException {
    return ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.nativeOrder());
  }

  /** As Python does it. */
  private void started(long id) throws IOException {
    ByteBuffer words = words().putLong(0, id);
    Files.write(file, words.array());
  }

  @Test
  void itBeginsAsOnePageOfZerosThatOnlyItsOwnerReads() throws IOException {
    assertThat(words().array()).isEqualTo(new byte[4096]);
    assertThat(page.lastStarted()).isZero();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
  }

  @Test
  void aPageIsNeverSharedByTwoWorkers() {
    assertThatThrownBy(() -> StatusPage.create(file))
        .isInstanceOf(FileAlreadyExistsException.class);
  }

  @Test
  void whatPythonStartedIsSeenAtOnce() throws IOException {
    started(17);
    assertThat(page.lastStarted()).isEqualTo(17);
    started(Long.MIN_VALUE);
    assertThat(page.lastStarted()).isEqualTo(Long.MIN_VALUE);
  }

  @Test
  void cancelsOf256RequestsInARowStandBesideEachOther() throws IOException {
    for (long id = 15; id < 271; id++) {
      page.markCancelled(id);
    }

    for (long id = 15; id < 271; id++) {
      assertThat(words().getLong((int) (64 + id % 256) * 8)).isEqualTo(id);
    }
    assertThat(words().getLong(0)).isZero();
    assertThat(page.lastStarted()).isZero();
  }

  @Test
  void aLaterCancelTakesThePlaceOfOne256Before() throws IOException {
    page.markCancelled(3);
    page.markCancelled(259);

    assertThat(words().getLong((64 + 3) * 8)).isEqualTo(259);
  }

  @Test
  void whatIsWithdrawnStandsBesideTheCancels() throws IOException {
    page.markWithdrawn(7);

    assertThat(words().getLong(8)).isEqualTo(7);
    assertThat(page.lastStarted()).isZero();
  }

  @Test
  void afterItIsClosedItTellsWhatStoodThereThen() throws IOException {
    started(5);
    page.close();
    started(6);

    assertThat(page.lastStarted()).isEqualTo(5);
    page.markCancelled(5);
    assertThat(words().getLong((8 + 5) * 8)).isZero();
    page.close();
  }
}
