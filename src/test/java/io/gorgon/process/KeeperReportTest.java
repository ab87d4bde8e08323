package io.gorgon.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gorgon.message.Exit;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.process.KeeperReport.Exited;
import io.gorgon.process.KeeperReport.Hello;
import io.gorgon.process.KeeperReport.Key;
import io.gorgon.process.KeeperReport.Memory;
import io.gorgon.process.KeeperReport.Notice;
import io.gorgon.process.KeeperReport.Refused;
import io.gorgon.process.KeeperReport.SpawnFailed;
import io.gorgon.process.KeeperReport.Spawned;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each line that a keeper writes, and lines that are none. */
class KeeperReportTest {

  private static KeeperReport read(String json) {
    try {
      return KeeperReport.from(new ObjectMapper().readTree(json.replace('\'', '"')));
    } catch (JsonProcessingException broken) {
      throw new AssertionError(broken);
    }
  }

  @Test
  void theHelloDescribesTheInterpreter() {
    var hello =
        (Hello)
            read(
                "{'event':'hello','pid':7,'python':'3.11.7','implementation':'cpython',"
                    + "'executable':'/v/bin/python3','prefix':'/v','base_prefix':'/usr','fork':true}");

    assertThat(hello.pid()).isEqualTo(7);
    assertThat(hello.python().version()).isEqualTo("3.11.7");
    assertThat(hello.python().isVirtual()).isTrue();
    assertThat(hello.python().forks()).isTrue();
    assertThat(hello.python().subreaper()).isFalse();
  }

  @Test
  void anInterpreterThatIsTooOldSaysSo() {
    assertThat(read("{'event':'refused','reason':'r','python':'3.6','executable':'/p'}"))
        .isEqualTo(new Refused("r", "3.6", "/p"));
  }

  @Test
  void aWorkerIsNamedBySlotAndGeneration() {
    assertThat(read("{'event':'spawned','slot':2,'generation':5000000000,'pid':9}"))
        .isEqualTo(new Spawned(new Key(2, 5_000_000_000L), 9));
    var failed =
        (SpawnFailed) read("{'event':'spawn_failed','slot':2,'generation':1,'message':'m'}");
    assertThat(failed.key()).isEqualTo(new Key(2, 1));
    assertThat(failed.failure().kind()).isEqualTo(StartFailed.Kind.ENVIRONMENT);
    assertThat(failed.failure()).hasMessageContaining("m");
  }

  @Test
  void anEndHasACodeOrASignalOrWasNotObserved() {
    String line = "{'event':'exited','slot':0,'generation':1,'pid':9,";
    assertThat(read(line + "'code':3,'signal':null}"))
        .isEqualTo(new Exited(new Key(0, 1), 9, Exit.code(3)));
    assertThat(read(line + "'code':null,'signal':9}"))
        .isEqualTo(new Exited(new Key(0, 1), 9, Exit.signal(9)));
    assertThat(read(line + "'code':null,'signal':null}"))
        .isEqualTo(new Exited(new Key(0, 1), 9, Exit.UNKNOWN));
  }

  @Test
  void memoryIsToldByWorker() {
    assertThat(
            read(
                "{'event':'memory','workers':[{'slot':0,'generation':1,'rss':5000000000},"
                    + "{'slot':1,'generation':2,'rss':7}]}"))
        .isEqualTo(new Memory(Map.of(new Key(0, 1), 5_000_000_000L, new Key(1, 2), 7L)));
    assertThat(read("{'event':'memory','workers':[]}")).isEqualTo(new Memory(Map.of()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"warning", "error"})
  void noticesKeepTheirLevel(String level) {
    assertThat(read("{'event':'" + level + "','message':'m'}")).isEqualTo(new Notice(level, "m"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "[]",
        "null",
        "7",
        "{'event':'mood'}",
        "{'event':'exited','pid':9,'code':0}",
        "{'event':'spawned','slot':'0','generation':1,'pid':9}",
        "{'event':'spawned','slot':0,'pid':9}",
        "{'event':'spawn_failed','generation':1}",
        "{'event':'memory','workers':[{'rss':7}]}"
      })
  void aLineOfAnotherShapeIsRefusedAndIsAboutNobody(String line) {
    assertThatThrownBy(() -> read(line)).isInstanceOf(IllegalArgumentException.class);
  }
}
