package io.gorgon.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gorgon.message.PythonFailure.StartFailed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The bridge is unpacked once, whole, and never mixed with what somebody else made of it. */
class BridgePackageTest {

  @TempDir Path root;
  private Path cache;
  private Path fallback;

  @BeforeEach
  void makeFallback() throws IOException {
    cache = root.resolve("cache");
    fallback = Files.createDirectory(root.resolve("fallback"));
  }

  private static Path anySource(Path bridge) throws IOException {
    try (Stream<Path> files = Files.walk(bridge)) {
      return files.filter(file -> file.endsWith("_wire.py")).findFirst().orElseThrow();
    }
  }

  private static List<Path> in(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.toList();
    }
  }

  @Test
  void itIsUnpackedIntoTheCacheUnderItsHash() throws IOException {
    Path bridge = BridgePackage.unpack(cache, fallback);

    assertThat(bridge).hasParent(cache);
    assertThat(bridge.getFileName().toString()).matches("[0-9a-f]{32}");
    assertThat(anySource(bridge))
        .hasSameTextualContentAs(Path.of("python-bridge/src/gorgon/_wire.py"));
    assertThat(in(cache)).containsExactly(bridge);
    assertThat(in(fallback)).isEmpty();
  }

  @Test
  void theSecondTimeNothingIsWritten() throws IOException {
    Path bridge = BridgePackage.unpack(cache, fallback);
    var before = Files.getLastModifiedTime(anySource(bridge));

    assertThat(BridgePackage.unpack(cache, fallback)).isEqualTo(bridge);
    assertThat(Files.getLastModifiedTime(anySource(bridge))).isEqualTo(before);
  }

  @Test
  void aCopyThatSomebodyChangedIsLeftAloneAndNotRun() throws IOException {
    Path bridge = BridgePackage.unpack(cache, fallback);
    Files.writeString(anySource(bridge), "raise SystemExit");

    Path ours = BridgePackage.unpack(cache, fallback);

    assertThat(ours).hasParent(fallback);
    assertThat(anySource(ours))
        .hasSameTextualContentAs(Path.of("python-bridge/src/gorgon/_wire.py"));
    assertThat(anySource(bridge)).hasContent("raise SystemExit");
    assertThat(in(cache)).containsExactly(bridge);
  }

  @Test
  void aCopyThatLacksAFileIsNotRun() throws IOException {
    Path bridge = BridgePackage.unpack(cache, fallback);
    Files.delete(anySource(bridge));

    assertThat(BridgePackage.unpack(cache, fallback)).hasParent(fallback);
  }

  @Test
  void whereTheCacheCannotBeWrittenTheFallbackIsUsed() throws IOException {
    Path file = Files.writeString(root.resolve("file"), "in the way");

    assertThat(BridgePackage.unpack(file, fallback)).hasParent(fallback);
  }

  @Test
  void whereNothingCanBeWrittenItSaysWhatToDo() throws IOException {
    Path file = Files.writeString(root.resolve("file"), "in the way");

    assertThatThrownBy(() -> BridgePackage.unpack(file, file))
        .isInstanceOfSatisfying(
            StartFailed.class,
            failed -> assertThat(failed.kind()).isEqualTo(StartFailed.Kind.ENVIRONMENT))
        .hasMessageContaining("XDG_CACHE_HOME");
  }

  @Test
  void manyAtOnceShareOneCopyAndLeaveNoDraft() throws IOException {
    var unpacked =
        Stream.generate(
                () -> CompletableFuture.supplyAsync(() -> BridgePackage.unpack(cache, fallback)))
            .limit(8)
            .toList();
    var places = new HashSet<Path>();
    unpacked.forEach(one -> places.add(one.join()));

    assertThat(places).hasSize(1);
    assertThat(in(cache)).containsExactlyElementsOf(places);
    assertThat(in(fallback)).isEmpty();
  }
}
