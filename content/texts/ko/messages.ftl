# 할 수 없는 일이 있을 때 플레이어에게 하는 말. 오류 열쇠마다 하나, 그리고 종류마다 하나씩 예비로 둔다.

kind-invalid-argument = 요청이 올바르지 않습니다.
kind-unauthenticated = 다시 로그인해 주세요.
kind-permission-denied = 그렇게 할 수 없습니다.
kind-not-found = 그런 것은 없습니다.
kind-already-exists = 이미 있습니다.
kind-failed-precondition = 지금은 할 수 없습니다.
kind-out-of-range = 범위를 벗어났습니다.
kind-aborted = 그사이 바뀌었습니다. 다시 시도해 주세요.
kind-resource-exhausted = 한꺼번에 너무 많습니다. 잠시 기다려 주세요.
kind-unimplemented = 서버가 할 줄 모르는 일입니다.
kind-deadline-exceeded = 너무 오래 걸렸습니다. 그래도 이루어졌을 수 있습니다.
kind-unavailable = 서버 일부가 자리를 비웠습니다. 잠시 뒤 다시 시도해 주세요.
kind-internal = 서버에 문제가 생겼습니다.

fault-internal = 서버에 문제가 생겼습니다.
fault-deadline-exceeded = 너무 오래 걸렸습니다. 그래도 이루어졌을 수 있습니다.
fault-shutting-down = 서버가 곧 다시 시작됩니다. 잠시 뒤 다시 시도해 주세요.
fault-backplane-away = 서버 일부가 자리를 비웠습니다. 잠시 뒤 다시 시도해 주세요.
fault-battles-away = 지금은 전투에 닿을 수 없습니다. 잠시 뒤 다시 시도해 주세요.
fault-too-busy = 서버가 매우 바쁩니다. 잠시 뒤 다시 시도해 주세요.

fault-unknown-event = 그런 이벤트는 없습니다.
fault-not-built-yet = 아직 게임에 없는 기능입니다.
fault-event-without-name = 이벤트에는 이름이 있어야 합니다.
fault-too-many-arguments = 이벤트의 인자는 하나까지입니다.
fault-payload-not-an-object = 내용은 객체여야 합니다.
fault-unknown-field = 그런 필드는 없습니다.
fault-missing-field = 빠진 필드가 있습니다.
fault-wrong-type = 필드의 형식이나 값이 잘못되었습니다.
fault-key-length = 키는 1~64자입니다.
fault-key-form = 키는 1~64자입니다.
fault-key-used-otherwise = 다른 일에 이미 쓴 키입니다.
fault-in-progress = 같은 요청을 아직 처리하고 있습니다.
fault-too-many-events = 이벤트가 너무 잦습니다. 조금 천천히 보내 주세요.
fault-inbox-full = 기다리는 이벤트가 너무 많습니다. 조금 천천히 보내 주세요.
fault-invalid-id = 올바른 식별자가 아닙니다.
fault-id-form = 올바른 식별자가 아닙니다.
fault-field-missing = 빠진 필드가 있습니다.
fault-missing = 빠진 필드가 있습니다.
fault-number-too-large = 수가 너무 큽니다.

fault-sign-in-first = 먼저 로그인해 주세요.
fault-signed-in = 이미 로그인했습니다.
fault-session-over = 로그인이 끝났습니다. 다시 로그인해 주세요.
fault-superseded = 다른 곳에서 접속했습니다.
fault-wrong-name-or-password = 이름이나 비밀번호가 틀렸습니다.
fault-wrong-password = 비밀번호가 틀렸습니다.
fault-too-many-attempts = 시도가 너무 많습니다. 잠시 기다려 주세요.
fault-sign-in-busy = 로그인하는 사람이 많습니다. 잠시 뒤 다시 시도해 주세요.
fault-username-form = 아이디는 영문자로 시작하는 영문자와 숫자 4~16자입니다.
fault-username-taken = 이미 쓰고 있는 아이디입니다.
fault-character-form = 캐릭터 이름은 한글로 시작하는 한글과 숫자 2~8자, 또는 영문자로 시작하는 영문자와 숫자 4~16자입니다.
fault-character-taken = 이미 쓰고 있는 캐릭터 이름입니다.
fault-character-unknown = 그런 캐릭터는 없습니다.
fault-character-changed = 그사이 캐릭터가 바뀌었습니다. 다시 시도해 주세요.
fault-password-too-short = 비밀번호는 8바이트 이상이어야 합니다.
fault-password-too-long = 비밀번호는 72바이트 이하여야 합니다.

fault-unknown-dungeon = 그런 던전은 없습니다.
fault-in-battle = 다른 전투가 진행 중입니다. 먼저 멈춰 주세요.
fault-no-battle = 진행 중인 전투가 없습니다.
fault-no-hp = 싸울 힘이 남아 있지 않습니다.
fault-battle-unknown = 그런 전투는 없습니다.
fault-battle-ended = 이미 끝난 전투입니다.
fault-battle-busy = 전투가 바쁩니다. 다시 시도해 주세요.
fault-battle-moved = 전투가 자리를 옮기는 중입니다. 다시 시도해 주세요.
fault-battle-unsaved = 전투를 저장하지 못했습니다. 다시 시도해 주세요.
fault-battle-epoch-moved = 전투가 자리를 옮기는 중입니다. 다시 시도해 주세요.
fault-not-your-battle = 다른 사람의 전투입니다.

fault-not-in-room = 들어가 있는 방이 없습니다.
fault-room-form = 올바른 방 이름이 아닙니다.
fault-text-empty = 할 말이 없습니다.
fault-text-too-long = 한 줄은 500자까지입니다.
fault-chat-flood = 말이 너무 잦습니다. 조금 천천히 해 주세요.
fault-too-fast = 한꺼번에 너무 많습니다. 조금 천천히 해 주세요.
