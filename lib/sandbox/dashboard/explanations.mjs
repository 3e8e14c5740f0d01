/** Explanations of the faults for the dashboard: the cause, and what a client has to do. */

/**
 * All faults but `reply`, which is only available in code.
 * @type {{ group: string, faults: [name: string, explanation: string][] }[]}
 */
export const groups = [
  {
    group: 'The connection breaks',
    faults: [
      [
        'connection-reset',
        'A server restarts, or a firewall drops the connection. The request was not processed, but the client cannot know that: createTask may or may not have created a task.',
      ],
      [
        'connection-reset-after-processing',
        'The client sees the same, but the request was processed: after createTask, the task exists, is charged, and its id is lost. Sending it again buys a second task.',
      ],
      [
        'stream-reset',
        'One request of an HTTP/2 connection is refused while the others continue. The connection can still be used.',
      ],
      [
        'goaway',
        'A server that shuts down says that this request was not processed. It is safe to send it again, on a new connection.',
      ],
      [
        'close-after',
        'A race of kept-alive connections: the reply is complete, but the next request is sent on a connection that is closing.',
      ],
    ],
  },
  {
    group: 'The reply is late or missing',
    faults: [
      [
        'no-response',
        'An overloaded server accepts the request and never replies. Without a timeout, the client waits forever.',
      ],
      [
        'no-response-after-processing',
        'The server processes the request and never replies. After createTask, points are charged and no id is returned.',
      ],
      [
        'latency',
        'A busy provider. The reply is correct but late: a client with a shorter timeout gives up on a request that was processed.',
      ],
      [
        'slow-body',
        'A slow connection. The reply arrives byte by byte, so that a timeout between two bytes never expires, but one for the whole exchange does.',
      ],
    ],
  },
  {
    group: 'The server or a gateway refuses',
    faults: [
      ['408', 'The server says that the request took too long to arrive. It was not processed.'],
      ['429', 'Too many requests. A client should wait as long as Retry-After says, and then send again.'],
      [
        '502',
        'The gateway runs, the server behind it does not: for seconds during a deployment, for minutes during an outage.',
      ],
      ['503', 'Maintenance or overload. Retry-After, if sent, says for how long.'],
      ['500-html', 'The server failed on the request and sends an HTML error page instead of JSON.'],
      [
        'redirect',
        'The API has moved, or another server intercepts the request. The body contains the key, so a client must not follow; requests to the target are counted.',
      ],
    ],
  },
  {
    group: 'The reply is damaged',
    faults: [
      ['truncated-body', 'The connection broke in the middle of the reply.'],
      [
        'truncated-json',
        'A proxy cut the reply and corrected its length. The HTTP message is valid, the JSON is not.',
      ],
      ['empty-body', 'A gateway without a back end sends 200 and an empty body.'],
      ['html', 'A captive portal or a gateway replies instead of the API, with status 200 and a web page.'],
      ['oversized', 'A reply of megabytes. A client that reads without a limit fills its memory.'],
      ['whitespace', 'A reply that never ends and never fails. Only a size limit or a timeout ends it.'],
      ['deep-json', 'JSON nested so deeply that a recursive parser overflows its stack.'],
    ],
  },
  {
    group: 'The reply breaks the protocol',
    faults: [
      ['unexpected-json', 'An empty object: no errorId, no status, no task.'],
      ['wrong-types', 'Numbers instead of strings, objects instead of numbers: an API that has changed.'],
      ['created-without-id', 'The task is charged and its id is not returned. It cannot be polled.'],
      [
        'unknown-status',
        'Neither processing nor ready. A client that treats it as processing polls forever.',
      ],
      ['ready-without-token', 'The status is ready, but the solution has no token.'],
      ['ready-null-solution', 'The status is ready, and the solution is null.'],
    ],
  },
  {
    group: 'The provider refuses',
    faults: [
      ['failed-task', 'The provider gave up on the task. It stays charged; only a new task can succeed.'],
      ['error', 'The provider refuses with a code of its own: an empty balance, a bad key, no worker free.'],
      [
        'echo-key',
        'The error message repeats the account key. If the client logs the message as it is, the log contains the key.',
      ],
    ],
  },
]
