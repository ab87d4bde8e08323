package io.gorgon.testkit;

import io.gorgon.message.Call;
import io.gorgon.process.RunDirectory;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Asks real workers for faults: by files in a private directory, which also has the kit's Python
 * worker and the record of what workers did. Thread-safe.
 */
final class RealFaults implements FaultPlan {

  private static final List<String> MODULES = List.of("faulty_worker.py", "gorgon_testkit.py");

  private final RunDirectory home = RunDirectory.create();
  private final Traces traces = new Traces();
  private final AtomicInteger orders = new AtomicInteger();

  /** Makes the directory and puts the worker there. */
  RealFaults() {
    try {
      Files.createDirectory(python());
      for (String module : MODULES) {
        try (InputStream source = RealFaults.class.getResourceAsStream(module)) {
          if (source == null) {
            throw new AssertionError(module + " is missing in the test kit's jar");
          }
          Files.copy(source, python().resolve(module));
        }
      }
    } catch (IOException broken) {
      home.delete();
      throw new UncheckedIOException(broken);
    }
  }

  Path home() {
    return home.path();
  }

  /** What goes on the workers' path. */
  Path python() {
    return home.file("python");
  }

  @Override
  public Call marked(Call call) {
    return call.withTrace(traces.next());
  }

  @Override
  public Call with(Call call, Fault fault) {
    Call marked = marked(call);
    write("call-" + marked.trace().orElseThrow(), fault.asPython());
    return marked;
  }

  @Override
  public void atNextCallOf(String target, Fault fault) {
    String hex = HexFormat.of().formatHex(target.getBytes(StandardCharsets.UTF_8));
    write(String.format("target-%s-%06d", hex, orders.incrementAndGet()), fault.asPython());
  }

  @Override
  public void atNextStart(StartFault fault) {
    write(String.format("start-%06d", orders.incrementAndGet()), fault.asPython());
  }

  /** At once, for a worker that looks: by renaming. */
  private void write(String name, String fault) {
    try {
      Path written = Files.writeString(home.file("new-" + name), fault);
      Files.move(written, home.file(name), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException broken) {
      throw new UncheckedIOException(broken);
    }
  }

  @Override
  public List<Noted> notes(Call marked) {
    String trace = marked.trace().orElse("");
    List<Noted> notes = new ArrayList<>();
    Path journal = home.file("journal");
    if (trace.isEmpty() || !Files.exists(journal)) {
      return notes;
    }
    try {
      for (String line : Files.readAllLines(journal)) {
        List<String> words = List.of(line.split(" ", 3));
        if (words.size() == 3 && words.get(1).equals(trace)) {
          notes.add(new Noted(words.get(0), words.get(2)));
        }
      }
    } catch (IOException broken) {
      throw new UncheckedIOException(broken);
    }
    return notes;
  }

  void close() {
    home.delete();
  }
}
