package io.gorgon.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;

/**
 * A progress bar at the foot of the terminal. While it is there, lines that anybody writes to
 * {@link System#err} appear above it. Where standard error is no terminal it shows nothing.
 */
final class ProgressLine implements AutoCloseable {

  private static final int REFRESH_MILLIS = 100;

  /** For the ^C that the terminal shows behind the bar. */
  private static final int ROOM_FOR_ECHO = 4;

  private static final int USUAL_WIDTH = 80;
  private static final int NARROWEST = 40;
  private static final String ERASE_LINE = "\r\033[K";

  private final PrintStream terminal = System.err;
  private final Object turn = new Object();
  private final Foot foot;
  private final ProgressBar bar;
  private String shown = "";

  private ProgressLine(String task, long total) {
    foot = new Foot(terminalWidth() - ROOM_FOR_ECHO);
    bar =
        new ProgressBarBuilder()
            .setTaskName(task)
            .setInitialMax(total)
            .setUpdateIntervalMillis(REFRESH_MILLIS)
            .setConsumer(foot)
            .build();
    System.setErr(new PrintStream(new Above(), true, UTF_8));
  }

  /** Counts up to {@code total}; null where there is nobody to look. */
  static @Nullable ProgressLine show(String task, long total) {
    boolean dumb = "dumb".equals(System.getenv("TERM"));
    return Descriptor.of(Descriptor.ERR).isTerminal() && !dumb
        ? new ProgressLine(task, total)
        : null;
  }

  private static int terminalWidth() {
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(new File("/dev/tty"))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String[] size =
          new String(stty.getInputStream().readAllBytes(), UTF_8).strip().split(" ", -1);
      int columns = size.length == 2 ? Integer.parseInt(size[1]) : 0;
      return columns >= NARROWEST ? columns : USUAL_WIDTH;
    } catch (IOException | NumberFormatException unknown) {
      return USUAL_WIDTH;
    }
  }

  /** One more is done. */
  void step() {
    bar.step();
  }

  /** Draws it no more; the cursor stays behind it. */
  void freeze() {
    synchronized (turn) {
      foot.closed = true;
      shown = "";
    }
  }

  /** Leaves the bar as it is and gives the terminal back. */
  @Override
  public void close() {
    bar.close();
    System.setErr(terminal);
  }

  /** Where the bar is drawn. */
  private final class Foot extends ConsoleProgressBarConsumer {
    private boolean closed;

    /** With a width: to ask for it, the library would take the terminal over, Ctrl-C included. */
    Foot(int width) {
      super(terminal, width);
    }

    @Override
    public void accept(String rendered) {
      synchronized (turn) {
        if (!closed) {
          shown = rendered;
          super.accept(rendered);
        }
      }
    }

    @Override
    public void close() {
      synchronized (turn) {
        if (!closed) {
          closed = true;
          shown = "";
          terminal.println();
        }
      }
    }

    void redraw() {
      if (!shown.isEmpty()) {
        super.accept(shown);
      }
    }
  }

  /** Takes whole lines and puts them where the bar was, and the bar below. */
  private final class Above extends OutputStream {
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();

    @Override
    public void write(int each) {
      synchronized (turn) {
        line.write(each);
        if (each == '\n') {
          terminal.print(ERASE_LINE);
          terminal.write(line.toByteArray(), 0, line.size());
          line.reset();
          foot.redraw();
          terminal.flush();
        }
      }
    }
  }
}
