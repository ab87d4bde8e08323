package io.gorgon.connection;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Loan;
import io.gorgon.message.Payload;
import io.gorgon.message.Values;
import io.gorgon.process.KeptMemory;
import io.gorgon.process.MemoryMaker;
import io.gorgon.stress.Rounds;
import io.gorgon.stress.Rounds.Part;
import io.gorgon.wire.Frame;
import io.gorgon.wire.Place;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * Workers that are lent memory, write results into it, hold on to it, have it borrowed from, and
 * die, all at once: nobody sees another's bytes, and every segment is free or gone in the end.
 */
class SharedMemoryStressTest {

  private static final int THRESHOLD = 4 * 1024;
  private static final int LIMIT = 256 * 1024;
  private static final int WORKERS = 3;
  private static final int REQUESTS = 60;

  /** Makes memory out of files of this process. */
  private static final class Made implements MemoryMaker, AutoCloseable {
    private final Path home;
    private final Executor threads;
    private final Map<Integer, FileChannel> open = new ConcurrentHashMap<>();
    final AtomicInteger made = new AtomicInteger();
    final AtomicInteger dropped = new AtomicInteger();

    Made(Executor threads) throws IOException {
      this.home = Files.createTempDirectory(Path.of("/dev/shm"), "sm");
      this.threads = threads;
    }

    @Override
    public CompletableFuture<KeptMemory> memory(long size) {
      return CompletableFuture.supplyAsync(() -> make(size), threads);
    }

    private KeptMemory make(long size) {
      try {
        Path path = home.resolve("m" + made.incrementAndGet());
        FileChannel file =
            FileChannel.open(
                path,
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        file.write(ByteBuffer.allocate(1), size - 1);
        int descriptor = descriptorOf(path);
        Files.delete(path);
        open.put(descriptor, file);
        return new KeptMemory(ProcessHandle.current().pid(), descriptor, size);
      } catch (IOException unmade) {
        throw new UncheckedIOException(unmade);
      }
    }

    private static int descriptorOf(Path path) throws IOException {
      try (var all = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
        for (Path each : all) {
          if (Files.isSymbolicLink(each) && isLinkTo(each, path)) {
            return Integer.parseInt(each.getFileName().toString());
          }
        }
      }
      throw new IOException(path + " is not open");
    }

    private static boolean isLinkTo(Path link, Path path) {
      try {
        return Files.readSymbolicLink(link).equals(path);
      } catch (IOException closedMeanwhile) {
        return false;
      }
    }

    @Override
    public void drop(KeptMemory kept, boolean empty) {
      dropped.incrementAndGet();
      try {
        open.remove(kept.descriptor()).close();
      } catch (IOException unclosed) {
        throw new UncheckedIOException(unclosed);
      }
    }

    @Override
    public void close() throws IOException {
      for (FileChannel file : open.values()) {
        file.close();
      }
      Files.delete(home);
    }
  }

  /** One worker after the other on one road, each with its process's view of the memory. */
  private static final class Far {
    final SharedMemory memory;
    final Random dice;
    final byte mark;
    final Map<Integer, MappedByteBuffer> mapped = new HashMap<>();
    final List<Integer> results = new ArrayList<>();
    final Queue<Frame> told = new ConcurrentLinkedQueue<>();
    Lending lending;
    long request;

    Far(SharedMemory memory, Random dice, int mark) {
      this.memory = memory;
      this.dice = dice;
      this.mark = (byte) mark;
      begin();
    }

    void begin() {
      mapped.clear();
      results.clear();
      told.clear();
      lending = new Lending(memory, ProcessHandle.current().pid(), told::add);
      lending.open();
    }

    /** Its process reads what it was told of memory. */
    void listen(Frame frame) throws IOException {
      JsonNode body = Values.mapper().readTree(frame.body());
      if (body.has("forget")) {
        mapped.remove(body.path("forget").asInt());
        return;
      }
      int number = body.path("segment").asInt();
      long size = body.path("size").asLong();
      Path path = Path.of("/proc/self/fd", body.path("descriptor").asText());
      try (var file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        mapped.put(number, file.map(FileChannel.MapMode.READ_WRITE, 0, size));
        if (body.path("results").asBoolean()) {
          results.add(number);
        }
      }
    }

    void serve() throws IOException {
      for (int i = 0; i < REQUESTS; i++) {
        for (Frame each = told.poll(); each != null; each = told.poll()) {
          listen(each);
        }
        if (dice.nextInt(20) == 0) {
          lending.close();
          begin();
        }
        one();
      }
      lending.close();
    }

    private byte[] bytes() {
      var bytes = new byte[THRESHOLD + dice.nextInt(3 * THRESHOLD)];
      Arrays.fill(bytes, mark);
      return bytes;
    }

    private void one() throws IOException {
      request++;
      boolean borrows = dice.nextInt(3) == 0;
      var payload = new Payload(new byte[] {'1'}, true, List.of(ByteBuffer.wrap(bytes())));
      Payload asked = payload.with(payload.attachments(), borrows ? Loan.WANTED : Loan.NONE);
      Place place = Place.INLINE;
      List<Frame> sent = new ArrayList<>();
      lending.send(
          List.of(new Frame(Frame.Kind.REQUEST, request, asked)),
          frames -> {
            sent.addAll(frames);
            return 0;
          });
      for (Frame frame : sent) {
        if (frame.kind() == Frame.Kind.SEGMENT) {
          listen(frame);
        } else if (!frame.places().isEmpty()) {
          place = frame.places().get(0);
        }
      }
      if (place.isShared()) {
        MappedByteBuffer mine = mapped.get(place.segment());
        for (int look = 0; look < 3; look++) {
          assertMine(mine.slice((int) place.offset(), payload.attachments().get(0).remaining()));
        }
        if (dice.nextInt(5) > 0) {
          mine.put(0, (byte) 0);
        }
      }
      answer();
    }

    private void answer() {
      Frame answer = Frame.of(Frame.Kind.RESULT, request, new byte[] {'1'});
      byte[] result = bytes();
      Integer number =
          results.stream().filter(each -> mapped.get(each).get(0) == 0).findFirst().orElse(null);
      if (number != null && mapped.get(number).capacity() >= result.length + Segment.HEADER) {
        MappedByteBuffer segment = mapped.get(number);
        segment.put(0, (byte) 1);
        segment.put(Segment.HEADER, result);
        var place = new Place(number, Segment.HEADER);
        ByteBuffer view = lending.view(place, result.length);
        answer =
            new Frame(
                Frame.Kind.RESULT,
                request,
                new Payload(new byte[] {'1'}, true, List.of(view)),
                List.of(place));
      } else if (dice.nextInt(3) == 0) {
        answer =
            Frame.of(
                Frame.Kind.RESULT,
                request,
                new Payload(new byte[] {'1'}, true, List.of(ByteBuffer.wrap(result))));
      }
      Payload received = lending.received(answer).payload();
      received.attachments().forEach(this::assertMine);
      received.loan().close();
    }

    private void assertMine(ByteBuffer bytes) {
      for (int i = bytes.position(); i < bytes.limit(); i++) {
        if (bytes.get(i) != mark) {
          throw new AssertionError("byte " + i + " is " + bytes.get(i) + ", not " + mark);
        }
      }
    }
  }

  @Test
  void nobodySeesAnothersBytesAndEverySegmentIsFreeOrGoneInTheEnd() {
    Rounds.play("shared memory", SharedMemoryStressTest::round);
  }

  private static void round(Random dice, Rounds crew) throws Exception {
    try (var files = new Made(Runnable::run)) {
      var memory = new SharedMemory(files, THRESHOLD, LIMIT);
      List<Part> parts = new ArrayList<>();
      for (int worker = 1; worker <= WORKERS; worker++) {
        var far = new Far(memory, new Random(dice.nextLong()), worker);
        parts.add(far::serve);
      }
      crew.atOnce(parts);
      SharedFigures figures = memory.figures();
      assertThat(figures.segments()).as("segments, all of them idle").isEqualTo(figures.free());
      assertThat(figures.made()).as("segments made").isPositive();
      assertThat(figures.bytes()).isBetween(0L, (long) LIMIT);
      assertThat(files.made.get() - files.dropped.get()).isEqualTo(figures.segments());
      assertThat(figures.made()).isEqualTo(files.made.get());
    }
  }
}
