package io.gorgon.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Lines as a worker prints them, whatever their ends, up to the mark. */
class OutputReaderTest {

  @TempDir Path root;
  private final List<String> lines = Collections.synchronizedList(new ArrayList<>());

  private Path pipe() throws Exception {
    Path pipe = root.resolve("pipe");
    Process made = new ProcessBuilder("mkfifo", pipe.toString()).start();
    assertThat(made.waitFor()).isZero();
    return pipe;
  }

  private List<String> read(byte[]... writes) throws Exception {
    Path pipe = pipe();
    OutputReader reader = OutputReader.start(pipe, "output-reader-test", lines::add);
    try (var out = new FileOutputStream(pipe.toFile())) {
      for (byte[] bytes : writes) {
        out.write(bytes);
      }
    }
    reader.finish().get(10, TimeUnit.SECONDS);
    return lines;
  }

  private List<String> read(String text) throws Exception {
    return read(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void everyLineIsHandedOverWithoutItsEnd() throws Exception {
    assertThat(read("a\n\nb c\n")).containsExactly("a", "", "b c");
  }

  @Test
  void aLastLineWithoutAnEndIsALine() throws Exception {
    assertThat(read("a\nb")).containsExactly("a", "b");
  }

  @Test
  void whereNothingWasPrintedThereIsNoLine() throws Exception {
    assertThat(read("")).isEmpty();
  }

  @Test
  void aCharacterThatIsWrittenInPiecesIsWhole() throws Exception {
    byte[] euro = "€\n".getBytes(StandardCharsets.UTF_8);

    assertThat(read(new byte[] {euro[0]}, new byte[] {euro[1]}, new byte[] {euro[2], euro[3]}))
        .containsExactly("€");
  }

  @Test
  void bytesThatAreNoTextAreReplaced() throws Exception {
    assertThat(read(new byte[] {'a', (byte) 0xff, 'b', '\n'})).containsExactly("a\ufffdb");
  }

  @Test
  void manyMoreLinesThanAPipeHoldsArriveInOrder() throws Exception {
    var text = new StringBuilder();
    for (int line = 0; line < 20_000; line++) {
      text.append("line ").append(line).append('\n');
    }

    assertThat(read(text.toString())).hasSize(20_000).startsWith("line 0").endsWith("line 19999");
  }

  @Test
  void aLineWithoutEndTakesNoMemoryAndTheTailMarksItAsCut() throws Exception {
    String line = read("é".repeat(500_000) + "\nnext\n").get(0);

    assertThat(line.length()).isLessThan(10_000);
    var tail = new OutputTail();
    tail.add(line);
    assertThat(tail.lines()).containsExactly("é".repeat(OutputTail.LINE_LENGTH) + "...");
    assertThat(lines).hasSize(2).endsWith("next");
  }

  @Test
  void aLineOfTheGreatestLengthIsWholeHoweverManyBytesItTakes() throws Exception {
    String line = "€".repeat(OutputTail.LINE_LENGTH);

    assertThat(read(line + "\n")).containsExactly(line);
  }

  @Test
  void aChildThatHoldsThePipeDoesNotHoldTheReader() throws Exception {
    Path pipe = pipe();
    OutputReader reader = OutputReader.start(pipe, "output-reader-test", lines::add);
    try (var child = new FileOutputStream(pipe.toFile())) {
      child.write("mine\n".getBytes(StandardCharsets.US_ASCII));

      reader.finish().get(10, TimeUnit.SECONDS);
    }
    assertThat(lines).containsExactly("mine");
  }

  @Test
  void finishingTwiceIsFinished() throws Exception {
    OutputReader reader = OutputReader.start(pipe(), "output-reader-test", lines::add);

    reader.finish().get(10, TimeUnit.SECONDS);
    reader.finish().get(10, TimeUnit.SECONDS);

    assertThat(lines).isEmpty();
  }

  @Test
  void whereThereIsNoPipeNothingIsMadeAndNothingStarts() throws IOException {
    Path missing = root.resolve("missing");
    Path file = Files.writeString(root.resolve("file"), "text\n");

    assertThatThrownBy(() -> OutputReader.start(missing, "none", lines::add))
        .isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> OutputReader.start(file, "none", lines::add))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no pipe");
    assertThat(missing).doesNotExist();
    assertThat(lines).isEmpty();
  }
}
